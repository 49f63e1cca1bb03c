"""The journal on disk, written before anything is changed.

One JSON document per project in the state folder, readable by its owner only: the files' old bytes can hold secrets.
A run is open in a file of its own, until its journal is the committed one: whoever comes next undoes an open run, and
rollback undoes the committed one. So a run that fails leaves the way back from the one before it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from builder.compose.journal import (
    ContainerRecord,
    FileRecord,
    Journal,
    Phase,
    Recipe,
    Replaced,
    ServiceRecord,
    TagRecord,
)
from builder.compose.model import ProjectFiles, Source, Target
from builder.errors import StateError
from builder.files import atomic_write

JOURNAL_SCHEMA_VERSION = 1
FOLDER = "compose"
"""Below the state folder."""


def journal_path(state_folder: Path, files: ProjectFiles) -> Path:
    """One per project: a folder and the files that are read there."""
    words = "\0".join(str(path) for path in (files.directory, *files.files))
    key = f"{words}\0{files.name or ''}".encode(errors="surrogateescape")  # a file's name is any bytes
    name = hashlib.sha256(key).hexdigest()
    return state_folder / FOLDER / f"{name}.json"


def open_path(path: Path) -> Path:
    """Where the journal of a run lies until it is the committed one."""
    return path.with_suffix(".open.json")


def write_journal(path: Path, journal: Journal) -> None:
    """In one step. Raises StateError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        atomic_write(path, dump_journal(journal), mode=0o600)
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror}", hint="set XDG_STATE_HOME") from error


def read_journal(path: Path) -> Journal | None:
    """None where nothing was done here yet. Raises StateError for a journal that cannot be understood."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return parse_journal(data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateError(
            f"{path} is broken, or of a newer optbuild: what the last optimize did is not known",
            hint="compare the compose file with the .bak beside it, then move the journal away",
        ) from error


def remove_journal(path: Path) -> None:
    """Nothing is left to undo."""
    path.unlink(missing_ok=True)
    remove_leftovers(path)


def remove_leftovers(path: Path) -> None:
    """Half-written copies of a file. The caller holds the project's lock."""
    for leftover in path.parent.glob(f".{path.name}.*"):
        leftover.unlink(missing_ok=True)


def dump_journal(journal: Journal) -> bytes:
    """The document; the same journal always gives the same bytes."""
    document = {"schema_version": JOURNAL_SCHEMA_VERSION, **_as_document(journal)}
    return json.dumps(document, indent=1, sort_keys=True, default=str).encode() + b"\n"


def _as_document(journal: Journal) -> dict[str, Any]:
    previous = None if journal.previous is None else _as_document(journal.previous)
    edits = [_edit_as_json(edit) for edit in journal.edits]
    return {**asdict(replace(journal, previous=None)), "edits": edits, "previous": previous}


def _edit_as_json(edit: FileRecord) -> dict[str, Any]:
    """With the hashes, so that a person can compare."""
    return {
        **asdict(edit),
        "before": base64.b64encode(edit.before).decode(),
        "after": base64.b64encode(edit.after).decode(),
        "before_sha256": edit.before_sha256,
        "after_sha256": edit.after_sha256,
    }


def parse_journal(data: bytes) -> Journal:
    """Inverse of :func:`dump_journal`. Raises ValueError, KeyError, TypeError or AttributeError for anything else."""
    document = json.loads(data)
    if document.pop("schema_version") != JOURNAL_SCHEMA_VERSION:
        raise ValueError("another format")
    return _journal(document)


def _journal(document: dict[str, Any]) -> Journal:
    previous, reached = document.get("previous"), document.get("reached")  # the first journals had neither
    made = {
        "files": _files(document["files"]),
        "phase": Phase(document["phase"]),
        "reached": None if reached is None else Phase(reached),
        "edits": tuple(_edit(item) for item in document["edits"]),
        "tags": tuple(TagRecord(**item) for item in document["tags"]),
        "services": tuple(_service(item) for item in document["services"]),
        "current": None if document["current"] is None else tuple(_service(item) for item in document["current"]),
        "completing": tuple(document["completing"]),
        "steps": tuple(tuple(step) for step in document["steps"]),
        "needs": {name: tuple(needs) for name, needs in document["needs"].items()},
        "recipes": tuple(_recipe(item) for item in document["recipes"]),
        "made": tuple(document["made"]),
        "known": tuple(document["known"]),
        "replaced": tuple(Replaced(one["image_id"], tuple(one["references"])) for one in document["replaced"]),
        "cleaned": tuple(document["cleaned"]),
        "previous": None if previous is None else _journal(previous),
    }
    return Journal(**{**document, **made})


def _files(item: dict[str, Any]) -> ProjectFiles:
    return ProjectFiles(
        Path(item["directory"]),
        tuple(Path(file) for file in item["files"]),
        tuple(Path(file) for file in item["env_files"]),
        item["name"],
    )


def _edit(item: dict[str, Any]) -> FileRecord:
    edit = FileRecord(
        Path(item["path"]),
        base64.b64decode(item["before"], validate=True),
        base64.b64decode(item["after"], validate=True),
        item["mode"],
        Path(item["backup"]),
        Path(item["temporary"]),
    )
    if (edit.before_sha256, edit.after_sha256) != (item["before_sha256"], item["after_sha256"]):
        raise ValueError("the bytes are not those that were written")
    return edit


def _service(item: dict[str, Any]) -> ServiceRecord:
    return ServiceRecord(**{**item, "containers": tuple(ContainerRecord(**one) for one in item["containers"])})


def _recipe(item: dict[str, Any]) -> Recipe:
    target = item["target"]
    folder = target["spec_folder"]
    made = Target(
        **{
            **target,
            "services": tuple(target["services"]),
            "source": Source(target["source"]),
            "spec_folder": None if folder is None else Path(folder),
        }
    )
    return Recipe(**{**item, "target": made})
