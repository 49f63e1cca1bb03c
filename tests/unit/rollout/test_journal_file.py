"""The journal on disk: its format, who may read it, and what is said of one that cannot be understood."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from builder.compose.model import ImageOrigin, ProjectFiles, SharedTarget
from builder.core.errors import BrokenDocumentError, NewerDocumentError, StateError
from builder.rollout.journal import (
    ContainerRecord,
    FileRecord,
    Journal,
    Phase,
    Recipe,
    ReplacedImage,
    ServiceRecord,
    TagRecord,
    mark_undoing,
)
from builder.rollout.journal_file import (
    FOLDER,
    dump_journal,
    parse_journal,
    read_journal,
    remove_journal,
    remove_leftovers,
    resolve_journal_path,
    resolve_open_path,
    write_journal,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SHOP = Path("/srv/shop")
BEFORE, AFTER = b"services: {}\r\n\xff", b"services: {}  # \xc3\xbc\n"
JOURNAL = Journal(
    run="0123abcd",
    files=ProjectFiles(SHOP, (SHOP / "compose.yml",), (SHOP / ".env",), "shop"),
    project="shop",
    engine="ENGINE:ID",
    phase=Phase.RESTARTING,
    at=1_700_000_000.25,
    edits=(FileRecord(SHOP / "compose.yml", BEFORE, AFTER, 0o640, SHOP / "compose.yml.bak", SHOP / ".compose.new"),),
    tags=(TagRecord("shop-airflow:latest", None, "sha256:2", passing=True), TagRecord("web:1", "sha256:1")),
    services=(ServiceRecord("web", (ContainerRecord("c1", "sha256:1", running=True),), start=True, completes=True),),
    completing=("web",),
    steps=(("web", "init"), ("scheduler",)),
    needs={"web": ("init", "db")},
    recipes=(
        Recipe(
            SharedTarget(("web", "init"), "shop-airflow:latest", ImageOrigin.SPEC, spec_folder=SHOP / "image"),
            "web",
            {"context": ".", "args": {"A": "${A}"}},
            12.5,
        ),
    ),
    made=("sha256:2",),
    known=("sha256:1",),
    replaced=(ReplacedImage("sha256:1", ("web:1",)),),
    cleaned=("sha256:0",),
    bytes_before=10,
    bytes_after=5,
)
VARIANTS: dict[str, Journal] = {
    "a run": JOURNAL,
    "undone": mark_undoing(JOURNAL),
    "found anew": replace(JOURNAL, current=JOURNAL.services),
    "not rolled back": replace(JOURNAL, current=()),
    "a second run": replace(JOURNAL, run="4567cdef", previous=replace(JOURNAL, phase=Phase.COMMITTED)),
    "no name, no engine": replace(JOURNAL, engine="", files=ProjectFiles(SHOP, (SHOP / "compose.yml",))),
}


def document(journal: Journal = JOURNAL) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(dump_journal(journal))
    return found


def parse(found: object) -> Journal:
    return parse_journal(json.dumps(found).encode())


@pytest.mark.parametrize("journal", VARIANTS.values(), ids=VARIANTS)
def test_what_is_written_is_what_is_read(journal: Journal) -> None:
    assert parse_journal(dump_journal(journal)) == journal
    assert dump_journal(parse_journal(dump_journal(journal))) == dump_journal(journal)


def test_the_format_on_disk() -> None:
    """What an older or newer optbuild, and a person, find there."""
    found = document()
    assert found["schema_version"] == 1
    assert (found["phase"], found["reached"], found["previous"], found["current"]) == ("restarting", None, None, None)
    assert found["files"] == {
        "directory": "/srv/shop",
        "files": ["/srv/shop/compose.yml"],
        "env_files": ["/srv/shop/.env"],
        "name": "shop",
        "remote": False,
    }
    assert found["edits"] == [
        {
            "path": "/srv/shop/compose.yml",
            "before": "c2VydmljZXM6IHt9DQr/",
            "after": "c2VydmljZXM6IHt9ICAjIMO8Cg==",
            "before_sha256": hashlib.sha256(BEFORE).hexdigest(),
            "after_sha256": hashlib.sha256(AFTER).hexdigest(),
            "mode": 0o640,
            "backup": "/srv/shop/compose.yml.bak",
            "temporary": "/srv/shop/.compose.new",
        }
    ]
    assert found["tags"][1] == {"reference": "web:1", "before": "sha256:1", "after": None, "passing": False}
    assert found["services"][0]["containers"] == [{"id": "c1", "image_id": "sha256:1", "running": True}]
    assert found["recipes"][0]["target"]["spec_folder"] == "/srv/shop/image"
    assert found["replaced"] == [{"image_id": "sha256:1", "references": ["web:1"]}]
    assert dump_journal(JOURNAL).endswith(b"}\n")


def test_a_first_journal_is_read() -> None:
    """It had no figures, no run before it, and did not say how far the run had come: containers are compared then."""
    found = document(mark_undoing(JOURNAL))
    for key in ("reached", "previous", "bytes_before", "bytes_after"):
        del found[key]
    assert parse(found) == replace(mark_undoing(JOURNAL), reached=None, bytes_before=None, bytes_after=None)
    assert parse(found).restarted


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_is_read(phase: Phase) -> None:
    assert parse_journal(dump_journal(replace(JOURNAL, phase=phase))).phase is phase


def with_key(*keys: str | int, value: object) -> dict[str, Any]:
    """The document with another value behind ``keys``."""
    found = document()
    place: Any = found
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return found


def without_key(*keys: str | int) -> dict[str, Any]:
    found = with_key(*keys, value=None)
    place: Any = found
    for key in keys[:-1]:
        place = place[key]
    del place[keys[-1]]
    return found


BROKEN: dict[str, bytes] = {
    "empty": b"",
    "half": dump_journal(JOURNAL)[:-20],
    "no UTF-8": b'{"schema_version": "\xff"}',
    "no JSON": b"schema_version: 1",
    **{f"another document {text!r}": text for text in (b"{}", b"[]", b"null", b"1", b'"text"')},
    **{
        name: json.dumps(found).encode()
        for name, found in {
            "an older format": with_key("schema_version", value=0),
            "no format": without_key("schema_version"),
            "unknown key": with_key("zeal", value=1),
            "unknown key of a container": with_key("services", 0, "containers", 0, "zeal", value=1),
            "unknown key of a name": with_key("tags", 0, "zeal", value=1),
            "unknown key of a recipe": with_key("recipes", 0, "zeal", value=1),
            "unknown key of a target": with_key("recipes", 0, "target", "zeal", value=1),
            "unknown phase": with_key("phase", value="dreaming"),
            "unknown source": with_key("recipes", 0, "target", "source", value="thin air"),
            "missing run": without_key("run"),
            "missing phase": without_key("phase"),
            "missing bytes": without_key("edits", 0, "before"),
            "missing hash": without_key("edits", 0, "after_sha256"),
            "other old bytes": with_key("edits", 0, "before", value="YWJj"),
            "other new bytes": with_key("edits", 0, "after", value="YWJj"),
            "bytes that are no base64": with_key("edits", 0, "before", value="c2Vydmlj*ZXM6IHt9DQr/"),
            "a text where services belong": with_key("services", value="web"),
            "nothing where files belong": with_key("files", value=None),
            "a broken run before": with_key("previous", value={"run": "x"}),
        }.items()
    },
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_a_journal_that_cannot_be_understood_is_refused_with_what_to_do(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(data)
    with pytest.raises(BrokenDocumentError, match=f"{path} is broken") as caught:
        read_journal(path)
    assert "move the journal away" in (caught.value.hint or "")
    assert path.read_bytes() == data


def test_a_journal_of_a_newer_version_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(with_key("schema_version", value=2)))
    with pytest.raises(NewerDocumentError, match=f"{path} was written by a newer optbuild") as caught:
        read_journal(path)
    assert caught.value.hint == "use that version"


def test_no_journal_is_none(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "none.json") is None


def test_what_cannot_be_read_is_not_taken_for_none(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    with pytest.raises(StateError, match="cannot be read: Is a directory"):
        read_journal(tmp_path / "a.json")


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = resolve_journal_path(tmp_path / "state", JOURNAL.files)
    before = os.umask(0)
    try:
        write_journal(path, JOURNAL)
    finally:
        os.umask(before)
    assert read_journal(path) == JOURNAL
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent)] == [0o600, 0o700]
    assert list(path.parent.iterdir()) == [path]


def test_a_journal_that_cannot_be_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    write_journal(path, JOURNAL)

    def refuse(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    for name in ("replace", "rename"):
        monkeypatch.setattr(os, name, refuse)
        monkeypatch.setattr(Path, name, refuse)
    with pytest.raises(StateError, match="cannot be written: No space left on device") as caught:
        write_journal(path, replace(JOURNAL, run="4567cdef"))
    assert "XDG_STATE_HOME" in (caught.value.hint or "")
    assert read_journal(path) == JOURNAL
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("remove", [remove_journal, remove_leftovers])
def test_half_written_copies_go_and_those_of_others_stay(remove: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    stays = {tmp_path / "b.json", tmp_path / ".b.json.1", resolve_open_path(path), tmp_path / ".a.jsonx"}
    for one in (path, tmp_path / ".a.json.x1", tmp_path / ".a.json.tmp", *stays):
        one.write_bytes(b"x")
    remove(path)
    assert set(tmp_path.iterdir()) == stays | ({path} if remove is remove_leftovers else set())
    remove(path)


def test_an_open_run_lies_beside_the_committed_one() -> None:
    path = resolve_journal_path(Path("/state"), JOURNAL.files)
    assert resolve_open_path(path).parent == path.parent == Path("/state") / FOLDER
    assert resolve_open_path(path).name == f"{path.stem}.open.json"


def test_each_project_has_a_journal_of_its_own() -> None:
    file = SHOP / "compose.yml"
    projects = [
        ProjectFiles(SHOP, (file,)),
        ProjectFiles(SHOP, (file,), name="other"),
        ProjectFiles(SHOP / "x", (file,)),
        ProjectFiles(SHOP, (file, SHOP / "compose.override.yml")),
    ]
    assert len({resolve_journal_path(Path("/state"), files) for files in projects}) == len(projects)
    same = ProjectFiles(SHOP, (file,), (SHOP / "other.env",))
    assert resolve_journal_path(Path("/state"), same) == resolve_journal_path(Path("/state"), projects[0])


def files(name: bytes) -> ProjectFiles:
    folder = Path("/srv/shop")
    return ProjectFiles(folder, (folder / os.fsdecode(name),), (), None)


def test_a_project_has_one_journal_whatever_bytes_its_files_names_are() -> None:
    names = [b"compose.yml", b"caf\xe9.yml", b"caf\xea.yml", "café.yml".encode()]
    paths = [resolve_journal_path(Path("/state"), files(name)) for name in names]
    assert len(set(paths)) == len(names)
    assert paths == [resolve_journal_path(Path("/state"), files(name)) for name in names]
    assert {path.parent for path in paths} == {Path("/state") / FOLDER}
