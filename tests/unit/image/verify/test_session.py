"""Whose leftovers may be removed: only those of a process that this machine can see to be dead."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.errors import InterruptedByUserError, ToolError
from builder.core.interrupts import forget_interrupts
from builder.core.naming import LABEL_SESSION
from builder.core.progress import SilentProgress
from builder.image.verify import session
from builder.image.verify.run import close_session, convert_engine_errors
from builder.image.verify.session import (
    HostMachine,
    RemovalResult,
    SessionClosedError,
    SessionOwner,
    VerifySession,
    detect_host,
    is_dead,
    make_owner,
    parse_owner_label,
    raise_on_signals,
    remove_dead_sessions,
    remove_labelled,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

HERE = HostMachine("boot-1", "pid:[1]", {100: 5000}.get, "m1")
ALIVE = SessionOwner("s1", 100, 5000, "boot-1", "pid:[1]", "m1")


class Thing:
    def __init__(self, label: str, shelf: list[Thing]) -> None:
        self.attrs: dict[str, Any] = {"Config": {"Labels": {LABEL_SESSION: label}}}
        self._shelf = shelf
        shelf.append(self)

    def remove(self, **_: Any) -> None:
        self._shelf.remove(self)


class Shelf:
    def __init__(self) -> None:
        self.things: list[Thing] = []

    def list(self, *, filters: Mapping[str, str], **_: Any) -> list[Thing]:
        name, _sign, value = str(filters["label"]).partition("=")
        found = [(thing, thing.attrs["Config"]["Labels"].get(name)) for thing in self.things]
        return [thing for thing, label in found if label is not None and value in ("", label)]


class Client:
    def __init__(self) -> None:
        self.containers, self.networks, self.volumes = Shelf(), Shelf(), Shelf()


def test_a_label_survives_its_way_through_the_engine() -> None:
    assert parse_owner_label(ALIVE.format_label()) == ALIVE


@pytest.mark.parametrize(
    "label",
    [
        "",
        "x",
        "{}",
        "[]",
        "null",
        '{"session": 1}',
        json.dumps({"session": "s", "pid": "1"}),
        ALIVE.format_label()[:-2],
    ],
)
def test_a_label_of_somebody_else_is_nobodys(label: str) -> None:
    assert parse_owner_label(label) is None


@pytest.mark.parametrize("field", ["pid", "started"])
def test_a_label_whose_numbers_are_words_is_nobodys(field: str) -> None:
    document = {**json.loads(ALIVE.format_label()), field: "100"}
    assert parse_owner_label(json.dumps(document)) is None


@pytest.mark.parametrize(
    ("owner", "dead"),
    [
        pytest.param(ALIVE, False, id="lives"),
        pytest.param(replace(ALIVE, pid=101), True, id="gone"),
        pytest.param(replace(ALIVE, started=4999), True, id="its PID is another process now"),
        pytest.param(replace(ALIVE, boot="boot-0"), True, id="this machine was started again since"),
        pytest.param(replace(ALIVE, pid=101, boot="boot-0", machine="m2"), False, id="another machine: unknown"),
        pytest.param(replace(ALIVE, pid=101, boot="boot-0", machine=""), False, id="a machine without ID: unknown"),
        pytest.param(
            replace(ALIVE, boot="boot-0", namespace="pid:[2]"), False, id="a container that shares our ID: unknown"
        ),
        pytest.param(replace(ALIVE, pid=101, namespace="pid:[2]"), False, id="another PID namespace: unknown"),
        pytest.param(replace(ALIVE, pid=101, boot=""), False, id="a machine without /proc: unknown"),
    ],
)
def test_dead_is_only_what_is_known_to_be(owner: SessionOwner, dead: bool) -> None:
    assert is_dead(owner, HERE) is dead


def test_a_machine_without_proc_knows_nothing(tmp_path: Path) -> None:
    machine = detect_host(tmp_path)
    assert not is_dead(replace(ALIVE, boot="", namespace="", pid=101), machine)


def test_the_start_time_is_read_past_a_name_with_spaces_and_parentheses(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    fields = ["S", *["0"] * 18, "4242", "0"]
    (tmp_path / "7/stat").write_text(f"7 (a) b (c)) {' '.join(fields)}\n")
    assert detect_host(tmp_path).started_of(7) == 4242
    assert detect_host(tmp_path).started_of(8) is None


def test_a_zombie_is_dead(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/stat").write_text(f"7 (x) Z {' '.join(['0'] * 30)}\n")
    assert detect_host(tmp_path).started_of(7) is None


def test_this_process_owns_and_lives() -> None:
    machine = detect_host()
    assert not is_dead(make_owner(machine, os.getpid()), machine)


def test_sweep_takes_the_dead_and_leaves_the_living_and_the_unknown() -> None:
    client: Any = Client()
    dead = replace(ALIVE, session="s2", pid=101)
    elsewhere = replace(dead, boot="boot-0", machine="m2")
    for shelf in (client.containers, client.networks, client.volumes):
        for label in (ALIVE.format_label(), dead.format_label(), elsewhere.format_label(), "not ours"):
            Thing(label, shelf.things)
    assert remove_dead_sessions(client, HERE) == 3
    left = [thing.attrs["Config"]["Labels"][LABEL_SESSION] for thing in client.containers.things]
    assert left == [ALIVE.format_label(), elsewhere.format_label(), "not ours"]
    assert len(client.networks.things) == len(client.volumes.things) == 3


def test_closing_removes_the_sessions_own_and_nothing_else() -> None:
    client: Any = Client()
    for owner in (ALIVE, replace(ALIVE, session="other")):
        Thing(owner.format_label(), client.containers.things)
    VerifySession(client, ALIVE).close()
    assert [thing.attrs["Config"]["Labels"][LABEL_SESSION] for thing in client.containers.things] == [
        replace(ALIVE, session="other").format_label()
    ]
    assert remove_labelled(client, ALIVE.format_label()).removed == 0


def test_what_the_engine_does_not_remove_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "REMOVE_PAUSE_SECONDS", 0.0)
    client: Any = Client()
    Stuck("web", client.containers.things)
    Thing(ALIVE.format_label(), client.networks.things)
    assert VerifySession(client, ALIVE).close().left == "docker rm -f -v web"
    assert client.networks.things == []


class Stuck(Thing):
    """A container that the engine does not let go."""

    def __init__(self, name: str, shelf: list[Thing]) -> None:
        super().__init__(ALIVE.format_label(), shelf)
        self.name = name

    def remove(self, **_: Any) -> None:
        from docker.errors import APIError  # noqa: PLC0415 - 150 ms for this test only

        raise APIError("device or resource busy")


Stuck.__name__ = "Container"  # as the SDK's class


class Notes(SilentProgress):
    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)


class FakeSession:
    def __init__(self, left: str = "", error: Exception | None = None) -> None:
        self.left, self.error, self.closed = left, error, 0

    def close(self) -> RemovalResult:
        self.closed += 1
        if self.error is not None:
            raise self.error
        return RemovalResult(3, self.left)


def interrupted(fake: Any) -> str:
    with pytest.raises(InterruptedByUserError) as caught, close_session(fake, Notes()):  # noqa: PT012 - what precedes counts
        assert fake.closed == 0
        raise InterruptedByUserError("interrupted by SIGINT")
    assert fake.closed == 1
    return str(caught.value)


def test_that_everything_was_removed_is_said_only_when_it_was() -> None:
    assert interrupted(FakeSession()) == "interrupted by SIGINT; everything it started was removed"
    assert "remove the rest with: docker rm -f -v web" in interrupted(FakeSession("docker rm -f -v web"))
    from requests.exceptions import ConnectionError as Gone  # noqa: PLC0415 - the SDK

    assert "could not be removed" in interrupted(FakeSession(error=Gone("no answer")))


def test_leftovers_of_an_ordinary_end_are_said_too() -> None:
    notes, fake = Notes(), FakeSession("docker network rm n")
    opened: Any = fake
    with close_session(opened, notes):
        pass
    assert len(notes.said) == 1
    assert "docker network rm n" in notes.said[0]
    assert interrupted(FakeSession()) != notes.said[0]


def test_an_engine_that_goes_away_is_no_bug_of_ours() -> None:
    from docker.errors import APIError  # noqa: PLC0415 - the SDK
    from requests.exceptions import ReadTimeout  # noqa: PLC0415 - the SDK
    from urllib3.exceptions import ProtocolError  # noqa: PLC0415 - the SDK

    for error in (APIError("500 Server Error"), ReadTimeout("timed out"), ProtocolError("broken")):
        with pytest.raises(ToolError, match="the engine failed during the verification"), convert_engine_errors():
            raise error
    with pytest.raises(ZeroDivisionError), convert_engine_errors():
        raise ZeroDivisionError


def test_the_machine_is_told_by_a_hash_of_its_id(tmp_path: Path) -> None:
    (tmp_path / "machine-id").write_text("0123456789abcdef\n")
    made = detect_host(machine_id=tmp_path / "machine-id")
    assert len(made.identity) == 16
    assert "0123456789abcdef" not in made.identity
    assert detect_host(machine_id=tmp_path / "none").identity == ""
    assert make_owner(made, os.getpid()).machine == made.identity
    assert is_dead(replace(make_owner(made, os.getpid()), boot="the one before"), made)


def test_a_label_of_an_earlier_version_is_still_understood() -> None:
    old = {name: value for name, value in json.loads(ALIVE.format_label()).items() if name != "machine"}
    assert parse_owner_label(json.dumps(old)) == replace(ALIVE, machine="")


def test_nothing_is_created_once_a_session_closes() -> None:
    client: Any = Client()
    opened = VerifySession(client, ALIVE)
    with opened.guard_creation():
        Thing(ALIVE.format_label(), client.containers.things)
    opened.close()
    with pytest.raises(SessionClosedError), opened.guard_creation():
        Thing(ALIVE.format_label(), client.containers.things)
    assert client.containers.things == []


@pytest.fixture
def _no_signal_is_left() -> Iterator[None]:
    yield
    forget_interrupts()


@pytest.mark.usefixtures("_no_signal_is_left")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_raised_once_and_then_waits_for_the_clean_up(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    cleaned = False
    with pytest.raises(InterruptedByUserError, match=number.name), raise_on_signals():  # noqa: PT012 - both must be open
        try:
            os.kill(os.getpid(), number)
            pytest.fail("the signal did not raise")
        finally:
            os.kill(os.getpid(), number)  # a second one, during the clean-up
            cleaned = True
    assert cleaned
    assert signal.getsignal(number) is before
