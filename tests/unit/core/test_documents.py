"""Documents that no optbuild wrote: each is refused with the place, and nothing is read into them."""

from __future__ import annotations

import copy
import json
import math
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.documents import Form, parse_document, read_cached, read_document, write_document
from builder.core.errors import (
    BackupFolderError,
    BrokenDocumentError,
    DamagedBackupError,
    NewerDocumentError,
    StateError,
)
from builder.image.lock.facts import DistributionFacts
from builder.rollout.journal_file import parse_journal, read_journal
from builder.state import STATE_FILE, State, dump_state, parse_state, read_state, update_state
from builder.store.manifest import parse_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GOLDEN = Path(__file__).parents[2] / "golden" / "documents"
READERS: dict[str, Callable[[bytes], object]] = {
    "journal.json": parse_journal,
    "journal.open.json": parse_journal,
    "journal-first.json": parse_journal,
    "state.json": parse_state,
    "optbuild-backup.json": partial(parse_manifest, name="x"),
    "facts.json": partial(parse_document, form=Form(DistributionFacts), name="x"),
}
REFUSALS = (BrokenDocumentError, NewerDocumentError, DamagedBackupError, BackupFolderError)
VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, math.nan, math.inf, 10**400, "", "x", "\udcff", "\0"),
    *([], [1], ["x"], [[]], [None], {}, {"a": 1}, {"\udcff": 1}),
)
"""Of every kind that JSON has."""

Place = tuple[str | int, ...]


def read(name: str) -> Any:
    return json.loads((GOLDEN / name).read_bytes())


IS_LONG = bool(os.environ.get("OPTBUILD_SOAK"))


def list_kinds(name: str) -> list[Place]:
    """The places of values; in the short runs one of those that are read alike, also in documents of one kind."""
    if IS_LONG:
        return [*find_places(read(name))]
    found: dict[tuple[Place, type], tuple[str, Place]] = {}
    for other in (one for one in READERS if READERS[one] is READERS[name]):
        document = read(other)
        for place in find_places(document):
            found.setdefault((find_kind(place), type(take(document, place))), (other, place))
    return [place for other, place in found.values() if other == name]


def find_kind(place: Place) -> Place:
    """Items of a list are of one kind, and what is in the run before a run is as what is in a run."""
    alike = tuple(0 if isinstance(key, int) else key for key in place)
    return alike[1:] if alike[:1] == ("previous",) and len(alike) > 1 else alike


def find_places(document: Any, place: Place = ()) -> Iterator[Place]:
    """Of every value."""
    yield place
    inside = document if isinstance(document, dict) else dict(enumerate(document if isinstance(document, list) else ()))
    for key, value in inside.items():
        yield from find_places(value, (*place, key))


def take(document: Any, place: Place) -> Any:
    for key in place:
        document = document[key]
    return document


def change(document: Any, place: Place, value: Any) -> bytes:
    changed = copy.deepcopy(document)
    take(changed, place[:-1])[place[-1]] = value
    return json.dumps(changed).encode()


def is_refused(name: str, data: bytes) -> bool:
    """Any other exception fails the test."""
    try:
        READERS[name](data)
    except REFUSALS:
        return True
    return False


LATER = frozenset({"previous", "reached", "bytes_before", "bytes_after", "after", "passing", "completes"}) | {
    *("expects_health", "service", "build", "seconds", "builder", "pull_policy", "keeps_name", "note", "remote")
}
OPEN = {
    **{key: {"files", "edits", "replaced"} for key in ("journal.json", "journal.open.json", "journal-first.json")},
    "state.json": {"", "projects"},
}
"""Objects that may have further keys, by the last key above them."""
NULLABLE = (
    LATER - {"passing", "completes", "expects_health", "keeps_name", "remote"}
    | {"name", "before", "old"}
    | {*("current", "spec_folder")}
)
OF_A_PERSON = ("needs", "references", "build")
"""Objects whose keys are a person's."""


def is_of_a_person(place: Place) -> bool:
    return any(key in OF_A_PERSON for key in place)


def find_name(place: Place) -> str:
    return next((key for key in reversed(place) if isinstance(key, str)), "")


@pytest.mark.parametrize("name", READERS)
def test_whatever_stands_there_is_read_or_refused_and_no_value_is_converted(name: str) -> None:
    """A number for a name, a text for a list: refused; only where nothing may stand, nothing can be written."""
    document = read(name)
    for place in list_kinds(name):
        old = take(document, place)
        for value in VALUES:
            data = change(document, place, value) if place else json.dumps(value).encode()
            refused = is_refused(name, data)
            like = type(old) is type(value) or {type(old), type(value)} == {int, float} or old is None
            like |= value is None and find_name(place) in NULLABLE
            if not like and find_name(place) != "kept" and "build" not in place:
                assert refused, (place, value)


@pytest.mark.parametrize("name", READERS)
def test_a_document_that_lost_a_key_is_refused(name: str) -> None:
    """Else a journal without its edits would say that there is nothing to undo."""
    document = read(name)
    for place in find_places(document):
        if place and isinstance(place[-1], str) and not is_of_a_person(place[:-1]):
            lost = copy.deepcopy(document)
            del take(lost, place[:-1])[place[-1]]
            may_lack = (place[-1] in LATER and "edits" not in place) or place[-1] == "kept"
            assert is_refused(name, json.dumps(lost).encode()) is not may_lack, place


@pytest.mark.parametrize("name", READERS)
def test_an_unknown_key_is_refused_where_it_would_be_lost(name: str) -> None:
    document = read(name)
    for place in find_places(document):
        if isinstance(take(document, place), dict) and not is_of_a_person(place):
            passed_over = find_name(place) in OPEN.get(name, set())
            assert is_refused(name, change(document, (*place, "zz"), 1)) is not passed_over, place


@pytest.mark.parametrize("name", READERS)
def test_a_document_that_was_cut_is_refused(name: str) -> None:
    data = (GOLDEN / name).read_bytes()
    whole = len(data.rstrip(b"\n"))
    assert all(is_refused(name, data[:length]) for length in range(0, whole, 3))
    assert is_refused(name, data + b"x")


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "data",
    [b"[" * 100_000, b'{"schema_version":' * 100_000, b"1" * 5000, b"NaN", b"\xff\xfe", b"\0", b'"\\udcff"', b""],
    ids=lambda data: repr(data[:20]),
)
def test_what_is_not_a_document_is_refused(name: str, data: bytes) -> None:
    assert is_refused(name, data)


def test_runs_within_runs_without_end_are_refused() -> None:
    """Each is a whole journal, so only the depth is wrong."""
    opening = json.dumps({**read("journal.json"), "previous": None}).encode().removesuffix(b"}")
    before = opening.replace(b'"previous": null, ', b"") + b', "previous": '
    versionless = before.replace(b'"schema_version": 1, ', b"").replace(b', "schema_version": 1', b"")
    assert not is_refused("journal.json", before + versionless * 2 + b"null" + b"}" * 3)
    assert is_refused("journal.json", before + versionless * 2000 + b"null" + b"}" * 2001)


def test_the_refusal_says_file_place_and_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    path.write_bytes(change(read("journal.open.json"), ("edits", 1, "mode"), "644"))
    with pytest.raises(BrokenDocumentError) as caught:
        read_journal(path)
    assert caught.value.message == (
        f"{path} is broken (Expected `int`, got `str` - at `$.edits[1].mode`): what the last optimize did is not known"
    )
    assert ".bak" in (caught.value.hint or "")


def test_keys_that_are_missing_or_unknown_are_named() -> None:
    document = read("journal.json")
    del document["previous"]["engine"]
    with pytest.raises(BrokenDocumentError, match=r"missing required field `engine` - at `\$\.previous`"):
        parse_journal(json.dumps(document).encode())
    with pytest.raises(BrokenDocumentError, match=r"unknown field `zz` - at `\$\.tags\[1\]`"):
        parse_journal(change(read("journal.open.json"), ("tags", 1, "zz"), 1))


@pytest.mark.parametrize("place", [("edits", 0), ("previous", "edits", 0)])
def test_bytes_that_are_not_those_of_their_sums_are_refused(place: Place) -> None:
    """Also of the run before."""
    document = read("journal.open.json") if place[0] == "edits" else read("journal.json")
    with pytest.raises(BrokenDocumentError, match="the bytes are not those that were written"):
        parse_journal(change(document, (*place, "before"), "YWJj"))


def test_a_newer_format_is_not_called_broken() -> None:
    with pytest.raises(NewerDocumentError, match=r"a newer optbuild \(format 2\): what the last optimize did"):
        parse_journal(change(read("journal.json"), ("schema_version",), 2))
    for version in (True, "2", 0, 1.0, None, [2]):
        assert is_refused("journal.json", change(read("journal.json"), ("schema_version",), version))
        assert is_refused("state.json", change(read("state.json"), ("schema_version",), version))


def test_a_state_of_wrong_values_is_kept_aside_and_nothing_in_it_is_believed(tmp_path: Path) -> None:
    data = change(read("state.json"), ("projects", 0, "superseded", 0, "image_id"), None)
    (tmp_path / STATE_FILE).write_bytes(data)
    warnings: list[str] = []
    update_state(tmp_path, lambda state: state, warn=warnings.append)
    assert [kept.read_bytes() for kept in tmp_path.glob("state.broken-*.json")] == [data]
    assert "`$.projects[0].superseded[0].image_id`" in warnings[0]
    assert (tmp_path / STATE_FILE).read_bytes() == dump_state(State())


def test_a_state_that_cannot_be_read_is_left_where_it_is(tmp_path: Path) -> None:
    (tmp_path / STATE_FILE).mkdir()
    warnings: list[str] = []
    assert read_state(tmp_path, warn=warnings.append) == State()
    assert "cannot be read: Is a directory" in warnings[0]
    assert (tmp_path / STATE_FILE).is_dir()


def test_a_cache_is_read_or_as_good_as_not_there(tmp_path: Path) -> None:
    form = Form(DistributionFacts)
    assert read_document(tmp_path / "none", form) is None
    for data in (b"", b"{", b"[" * 100_000, change(read("facts.json"), ("name",), None)):
        (tmp_path / "facts.json").write_bytes(data)
        assert read_cached(tmp_path / "facts.json", form) is None
    assert read_cached(tmp_path, form) is None


def test_a_document_is_its_owners_and_so_is_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "folder" / "a.json"
    write_document(path, b"{}")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"{}", 0o600)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    with pytest.raises(StateError, match="cannot be written: File exists"):
        write_document(path / "b.json", b"{}")
