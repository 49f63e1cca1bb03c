"""The journal on disk, written before anything is changed.

One JSON document per project in the state folder, readable by its owner only: the files' old bytes can hold secrets.
A run is open in a file of its own, until its journal is the committed one: the next command undoes an open run, and
rollback undoes the committed one. So after a run that fails, the one before it can still be undone.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from builder.compose.model import ProjectFiles
from builder.core.documents import Form, dump_document, parse_document, read_document, write_document
from builder.core.naming import BACKUP_SUFFIX
from builder.rollout.journal import FileRecord, Journal, ReplacedImage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JOURNAL_SCHEMA_VERSION = 1
FOLDER = "compose"
"""Below the state folder."""


def resolve_journal_path(state_folder: Path, files: ProjectFiles) -> Path:
    """One per project: a folder and the files that are read there."""
    words = "\0".join(str(path) for path in (files.directory, *files.files))
    key = f"{words}\0{files.name or ''}".encode(errors="surrogateescape")  # a file's name is any bytes
    name = hashlib.sha256(key).hexdigest()
    return state_folder / FOLDER / f"{name}.json"


def resolve_open_path(path: Path) -> Path:
    """Where the journal of a run is until it is the committed one."""
    return path.with_suffix(".open.json")


def write_journal(path: Path, journal: Journal) -> None:
    """In one step. Raises StateError."""
    write_document(path, dump_journal(journal))


def read_journal(path: Path) -> Journal | None:
    """None where nothing was done here yet. Raises StateError for a journal that cannot be understood."""
    return read_document(path, _FORM)


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
    document = asdict(journal)
    for item, edit in _find_edits(document, journal):
        item.update(_make_sums(edit))
    for target in _find_targets(document):
        del target["policy_with_image"]  # of an edit; a recipe says how an image is built
    return dump_document(document, JOURNAL_SCHEMA_VERSION)


def parse_journal(data: bytes) -> Journal:
    """Inverse of :func:`dump_journal`. Raises StateError for anything else."""
    return parse_document(data, _FORM, "the journal")


def _find_edits(document: dict[str, Any], journal: Journal) -> Iterator[tuple[dict[str, Any], FileRecord]]:
    """Those of a run and of the runs before it, as the document has them and as records."""
    yield from zip(document["edits"], journal.edits, strict=True)
    if journal.previous is not None:
        yield from _find_edits(document["previous"], journal.previous)


def _find_targets(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Those of the recipes of a run and of the runs before it."""
    yield from (recipe["target"] for recipe in document["recipes"])
    if document["previous"] is not None:
        yield from _find_targets(document["previous"])


def _make_sums(edit: FileRecord) -> dict[str, str]:
    """So that a person can compare, and that changed bytes are noticed."""
    return {"before_sha256": edit.before_sha256, "after_sha256": edit.after_sha256}


def _check_sums(document: dict[str, Any], journal: Journal) -> None:
    if not all(_make_sums(edit).items() <= item.items() for item, edit in _find_edits(document, journal)):
        raise ValueError("the bytes are not those that were written")


_SINCE_THE_FIRST = frozenset(
    {"previous", "reached", "bytes_before", "bytes_after"}  # of a run
    | {"remote"}  # of its files
    | {"after", "passing"}  # of a tag
    | {"completes", "expects_health"}  # of a service
    | {
        "service",
        "build",
        "seconds",
        "builder",
        "pull_policy",
        "keeps_name",
        "note",
        "policy_with_image",
    }  # of a recipe and its target
)
"""Keys that the first journals did not have."""
_FORM = Form(
    Journal,
    JOURNAL_SCHEMA_VERSION,
    lost="what the last optimize did is not known",
    advice=f"compare the compose file with the {BACKUP_SUFFIX} beside it, then move the journal away",
    open_types=(ProjectFiles, FileRecord, ReplacedImage),
    later=_SINCE_THE_FIRST,
    check=_check_sums,
)
