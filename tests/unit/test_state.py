"""What is remembered; and that whatever cannot be read is unknown, and kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from builder.core.errors import StateError
from builder.state import (
    STATE_FILE,
    FormerImage,
    OpenCandidate,
    ProjectState,
    PromotionJournal,
    State,
    TagMove,
    VerifiedImage,
    dump_state,
    parse_state,
    read_state,
    update_state,
)

if TYPE_CHECKING:
    from pathlib import Path

FULL = State(
    {"sha256:a": VerifiedImage("sha256:a", "demo", "0123456789ab", "proof", 1.5)},
    (ProjectState("engine", "demo", {"demo:latest": "sha256:a"}, (FormerImage("sha256:b", "ba9876543210", 1.0),)),),
    (PromotionJournal("engine", "demo", "sha256:a", "0123456789ab", (TagMove("demo:latest", None),), 2.0),),
    (OpenCandidate("engine", "demo", "0123456789ab", "demo:0123456789ab", "sha256:b", "sha256:a"),),
)


def test_a_round_trip_changes_nothing() -> None:
    assert parse_state(dump_state(FULL)) == FULL
    assert dump_state(parse_state(dump_state(FULL))) == dump_state(FULL)


def test_nothing_there_is_an_empty_state(tmp_path: Path) -> None:
    warnings: list[str] = []
    assert read_state(tmp_path / "absent", warn=warnings.append) == State()
    assert warnings == []
    assert not (tmp_path / "absent").exists()


def test_an_update_is_read_back(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "state"
    update_state(folder, lambda _: FULL)
    assert read_state(folder) == FULL
    assert (folder / STATE_FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"schema_version": 1}', id="keys missing"),
        pytest.param(b'{"schema_version": 1, "verified": [1], "projects": [], "journals": []}', id="wrong item"),
        pytest.param(b"\xff\xfe", id="no text"),
    ],
)
def test_a_broken_file_is_moved_aside_and_kept(tmp_path: Path, data: bytes) -> None:
    (tmp_path / STATE_FILE).write_bytes(data)
    warnings: list[str] = []
    assert read_state(tmp_path, warn=warnings.append) == State()
    (kept,) = tmp_path.glob("state.broken-*.json")
    assert kept.read_bytes() == data
    assert str(kept) in warnings[0]
    assert not (tmp_path / STATE_FILE).exists()


def test_an_update_of_a_broken_file_keeps_it_too(tmp_path: Path) -> None:
    (tmp_path / STATE_FILE).write_bytes(b"{")
    update_state(tmp_path, lambda state: state.with_project(ProjectState("e", "n")))
    assert [kept.read_bytes() for kept in tmp_path.glob("state.broken-*.json")] == [b"{"]
    assert read_state(tmp_path).projects == (ProjectState("e", "n"),)


def test_a_newer_state_is_neither_used_nor_overwritten(tmp_path: Path) -> None:
    data = json.dumps({"schema_version": 99, "precious": True}).encode()
    (tmp_path / STATE_FILE).write_bytes(data)
    warnings: list[str] = []
    assert read_state(tmp_path, warn=warnings.append) == State()
    update_state(tmp_path, lambda _: FULL, warn=warnings.append)
    assert (tmp_path / STATE_FILE).read_bytes() == data
    assert "newer optbuild (format 99)" in warnings[0]
    assert "nothing was recorded" in warnings[1]


def test_a_change_that_fails_leaves_the_old_bytes(tmp_path: Path) -> None:
    update_state(tmp_path, lambda _: FULL)

    def fail(_state: State) -> State:
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        update_state(tmp_path, fail)
    assert read_state(tmp_path) == FULL
    update_state(tmp_path, lambda state: state)  # the lock is free again


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be written"):
        update_state(tmp_path / "file", lambda state: state)


def test_the_last_two_superseded_are_kept() -> None:
    former = tuple(FormerImage(f"sha256:{number}", "", float(number)) for number in range(4))
    assert ProjectState("e", "n", superseded=former).kept == ("sha256:2", "sha256:3")


def test_projects_of_different_engines_are_different() -> None:
    state = State().with_project(ProjectState("one", "n", {"n:latest": "a"})).with_project(ProjectState("two", "n"))
    assert state.find_project("one", "n").references == {"n:latest": "a"}
    assert state.find_project("two", "n").references == {}
    assert len(state.with_project(ProjectState("one", "n")).projects) == 2


def test_a_journal_replaces_the_one_before_it() -> None:
    journal = FULL.journals[0]
    assert FULL.with_journal(journal).journals == (journal,)
    assert FULL.without_journal("engine", "demo").journals == ()
    assert FULL.without_journal("other", "demo").journals == (journal,)
