"""What one optimize changes, written down before it does: enough to undo it byte for byte after a crash at any point.

One JSON document per project in the state folder, readable by its owner only: the files' old bytes can hold secrets.
A run is open in a file of its own, until its journal is the committed one: whoever comes next undoes an open run, and
rollback undoes the committed one. So a run that fails leaves the way back from the one before it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.compose.model import ProjectFiles, Source, Target
from builder.errors import StateError
from builder.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Mapping

JOURNAL_SCHEMA_VERSION = 1
FOLDER = "compose"
"""Below the state folder."""


class Phase(StrEnum):
    """How far a run is. Only COMMITTED and UNDOING are decided on; the others are for a person to read."""

    PREPARED = "prepared"
    BUILT = "built"
    TAGGING = "tagging"
    WRITING = "writing"
    RESTARTING = "restarting"
    COMMITTED = "committed"
    UNDOING = "undoing"


@dataclass(frozen=True)
class FileRecord:
    """One file. ``path`` is where the bytes lie: the target of a symbolic link."""

    path: Path
    before: bytes = field(repr=False)
    after: bytes = field(repr=False)
    mode: int
    backup: Path
    temporary: Path
    """The new bytes lie there until they are renamed; a leftover of a killed run."""

    @property
    def before_sha256(self) -> str:
        return hashlib.sha256(self.before).hexdigest()

    @property
    def after_sha256(self) -> str:
        return hashlib.sha256(self.after).hexdigest()


@dataclass(frozen=True)
class TagRecord:
    """One name. ``before`` None: it did not exist; ``after`` None: not moved yet, or to be taken away at the end."""

    reference: str
    before: str | None
    after: str | None = None
    passing: bool = False
    """Only needed until the commit: the name under which the image was built."""


@dataclass(frozen=True)
class ContainerRecord:
    """One container as it was."""

    id: str
    image_id: str
    running: bool


@dataclass(frozen=True)
class ServiceRecord:
    """One affected service that has containers."""

    name: str
    containers: tuple[ContainerRecord, ...]
    start: bool
    """Else its containers are only made anew: nobody had started them."""
    completes: bool = False
    """It does its work and ends; others wait for that."""
    expects_health: bool = True
    """False: it was unhealthy or crashed again and again before, so nobody waits for it to be better now."""

    @property
    def replicas(self) -> int:
        return len(self.containers)


@dataclass(frozen=True)
class Replaced:
    """An image that affected services had before, and the names that the files gave it."""

    image_id: str
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """How a shared image is made: for ``--rebuild``, once the file no longer says it."""

    target: Target
    service: str | None = None
    """The service whose build it was."""
    build: Mapping[str, Any] | None = field(default=None, repr=False)
    """That service's ``build:`` before interpolation: names of variables, never their values. None: not known."""
    seconds: float | None = None
    """What the last build took."""


@dataclass(frozen=True)
class Journal:
    """One run."""

    run: str
    """8 hex digits; in the names of what must not stay."""
    files: ProjectFiles
    project: str
    """The name that Compose gives its containers."""
    engine: str
    """Which engine; empty: none was used."""
    phase: Phase
    at: float
    edits: tuple[FileRecord, ...] = ()
    tags: tuple[TagRecord, ...] = ()
    services: tuple[ServiceRecord, ...] = ()
    """As they were before the run."""
    current: tuple[ServiceRecord, ...] | None = None
    """As rollback found them; None: no rollback, or not begun."""
    completing: tuple[str, ...] = ()
    """Those of the affected services that do their work and end."""
    steps: tuple[tuple[str, ...], ...] = ()
    """All affected services: those that are restarted together, in order."""
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Affected service → all that it depends on, over others too."""
    recipes: tuple[Recipe, ...] = ()
    made: tuple[str, ...] = ()
    """Image IDs that this run built and that were not there before."""
    known: tuple[str, ...] = ()
    """Image IDs that were there when the run began; none once it is committed."""
    replaced: tuple[Replaced, ...] = ()
    """The old images."""
    cleaned: tuple[str, ...] = ()
    """Those of them that ``--clean`` removed: a rollback has to build them again."""
    bytes_before: int | None = None
    """True bytes of all images of the engine when the run began; None: not measured, as in the first journals."""
    bytes_after: int | None = None
    """The same at its end, after ``--clean``."""
    previous: Journal | None = None
    """The committed run before this one: what a second rollback undoes."""

    @property
    def moved(self) -> frozenset[str]:
        """Image IDs that this run gave names to."""
        return frozenset({*self.made, *(tag.after for tag in self.tags if tag.after)})

    def with_tag(self, reference: str, after: str) -> Journal:
        tags = tuple(replace(tag, after=after) if tag.reference == reference else tag for tag in self.tags)
        return replace(self, tags=tags)


def journal_path(state_folder: Path, files: ProjectFiles) -> Path:
    """One per project: a folder and the files that are read there."""
    words = "\0".join(str(path) for path in (files.directory, *files.files))
    name = hashlib.sha256(f"{words}\0{files.name or ''}".encode()).hexdigest()
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
    previous = document.get("previous")  # the first journals had none
    made = {
        "files": _files(document["files"]),
        "phase": Phase(document["phase"]),
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
