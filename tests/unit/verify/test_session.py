"""Whose leftovers may be removed: only those of a process that this machine can see to be dead."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from builder.errors import InterruptedByUserError
from builder.naming import LABEL_SESSION
from builder.verify.session import (
    Machine,
    Owner,
    Session,
    SessionClosedError,
    is_dead,
    new_owner,
    parse_label,
    remove_all,
    signals_as_errors,
    sweep,
    this_machine,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HERE = Machine("boot-1", "pid:[1]", {100: 5000}.get)
ALIVE = Owner("s1", 100, 5000, "boot-1", "pid:[1]")


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
    assert parse_label(ALIVE.label()) == ALIVE


@pytest.mark.parametrize(
    "label",
    ["", "x", "{}", "[]", "null", '{"session": 1}', json.dumps({"session": "s", "pid": "1"}), ALIVE.label()[:-2]],
)
def test_a_label_of_somebody_else_is_nobodys(label: str) -> None:
    assert parse_label(label) is None


@pytest.mark.parametrize("field", ["pid", "started"])
def test_a_label_whose_numbers_are_words_is_nobodys(field: str) -> None:
    document = {**json.loads(ALIVE.label()), field: "100"}
    assert parse_label(json.dumps(document)) is None


@pytest.mark.parametrize(
    ("owner", "dead"),
    [
        pytest.param(ALIVE, False, id="lives"),
        pytest.param(replace(ALIVE, pid=101), True, id="gone"),
        pytest.param(replace(ALIVE, started=4999), True, id="its PID is another process now"),
        pytest.param(replace(ALIVE, pid=101, boot="boot-0"), False, id="another boot or machine: unknown"),
        pytest.param(replace(ALIVE, pid=101, namespace="pid:[2]"), False, id="another PID namespace: unknown"),
        pytest.param(replace(ALIVE, pid=101, boot=""), False, id="a machine without /proc: unknown"),
    ],
)
def test_dead_is_only_what_is_known_to_be(owner: Owner, dead: bool) -> None:
    assert is_dead(owner, HERE) is dead


def test_a_machine_without_proc_knows_nothing(tmp_path: Path) -> None:
    machine = this_machine(tmp_path)
    assert not is_dead(replace(ALIVE, boot="", namespace="", pid=101), machine)


def test_the_start_time_is_read_past_a_name_with_spaces_and_parentheses(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    fields = ["S", *["0"] * 18, "4242", "0"]
    (tmp_path / "7/stat").write_text(f"7 (a) b (c)) {' '.join(fields)}\n")
    assert this_machine(tmp_path).started_of(7) == 4242
    assert this_machine(tmp_path).started_of(8) is None


def test_a_zombie_is_dead(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/stat").write_text(f"7 (x) Z {' '.join(['0'] * 30)}\n")
    assert this_machine(tmp_path).started_of(7) is None


def test_this_process_owns_and_lives() -> None:
    machine = this_machine()
    assert not is_dead(new_owner(machine, os.getpid()), machine)


def test_sweep_takes_the_dead_and_leaves_the_living_and_the_unknown() -> None:
    client: Any = Client()
    dead = replace(ALIVE, session="s2", pid=101)
    for shelf in (client.containers, client.networks, client.volumes):
        for label in (ALIVE.label(), dead.label(), replace(dead, boot="boot-0").label(), "not ours"):
            Thing(label, shelf.things)
    assert sweep(client, HERE) == 3
    left = [thing.attrs["Config"]["Labels"][LABEL_SESSION] for thing in client.containers.things]
    assert left == [ALIVE.label(), replace(dead, boot="boot-0").label(), "not ours"]
    assert len(client.networks.things) == len(client.volumes.things) == 3


def test_closing_removes_the_sessions_own_and_nothing_else() -> None:
    client: Any = Client()
    for owner in (ALIVE, replace(ALIVE, session="other")):
        Thing(owner.label(), client.containers.things)
    Session(client, ALIVE).close()
    assert [thing.attrs["Config"]["Labels"][LABEL_SESSION] for thing in client.containers.things] == [
        replace(ALIVE, session="other").label()
    ]
    assert remove_all(client, ALIVE.label()) == 0


def test_nothing_is_created_once_a_session_closes() -> None:
    client: Any = Client()
    session = Session(client, ALIVE)
    with session.creating():
        Thing(ALIVE.label(), client.containers.things)
    session.close()
    with pytest.raises(SessionClosedError), session.creating():
        Thing(ALIVE.label(), client.containers.things)
    assert client.containers.things == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_raised_once_and_then_waits_for_the_clean_up(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    cleaned = False
    with pytest.raises(InterruptedByUserError, match=number.name), signals_as_errors():  # noqa: PT012
        try:
            os.kill(os.getpid(), number)
            pytest.fail("the signal did not raise")
        finally:
            os.kill(os.getpid(), number)  # a second one, during the clean-up
            cleaned = True
    assert cleaned
    assert signal.getsignal(number) is before
