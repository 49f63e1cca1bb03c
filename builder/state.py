"""What optbuild remembers of an engine's images: promoted, superseded, kept for rollback, verified; and open journals.

One JSON document. Whatever cannot be read is treated as unknown, with a warning: lost state never leads to a deletion.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from builder.errors import StateError
from builder.files import atomic_write, exclusive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STATE_SCHEMA_VERSION = 1
STATE_FILE = "state.json"
KEPT_FOR_ROLLBACK = 2

Warn = Callable[[str], None]


@dataclass(frozen=True)
class VerifiedImage:
    """Every check passed for this image ID. ``proof`` says what was checked: roles and database, as one digest."""

    image_id: str
    project: str
    content_tag: str
    proof: str
    at: float
    """Seconds since 1970."""


@dataclass(frozen=True)
class FormerImage:
    """Held a promoted tag once and holds none now."""

    image_id: str
    content_tag: str
    at: float
    """When it lost its last promoted tag, seconds since 1970."""


@dataclass(frozen=True)
class Project:
    """One image name on one engine. ``references``: promoted name → image ID."""

    engine: str
    name: str
    references: Mapping[str, str] = field(default_factory=dict)
    superseded: tuple[FormerImage, ...] = ()
    """Newest last."""

    @property
    def kept(self) -> tuple[str, ...]:
        """IDs that stay for a rollback: the last two that were superseded."""
        return tuple(former.image_id for former in self.superseded[-KEPT_FOR_ROLLBACK:])


@dataclass(frozen=True)
class Move:
    """One name of a promotion and what it pointed to before; None: it did not exist."""

    reference: str
    old: str | None


@dataclass(frozen=True)
class PromotionJournal:
    """A promotion that has begun: written before the first tag moves, gone when the last one has."""

    engine: str
    name: str
    image_id: str
    content_tag: str
    moves: tuple[Move, ...]
    at: float


@dataclass(frozen=True)
class State:
    """The whole document."""

    verified: Mapping[str, VerifiedImage] = field(default_factory=dict)
    """By image ID."""
    projects: tuple[Project, ...] = ()
    journals: tuple[PromotionJournal, ...] = ()

    def project(self, engine: str, name: str) -> Project:
        known = (project for project in self.projects if (project.engine, project.name) == (engine, name))
        return next(known, Project(engine, name))

    def with_project(self, project: Project) -> State:
        key = (project.engine, project.name)
        others = tuple(other for other in self.projects if (other.engine, other.name) != key)
        return replace(self, projects=(*others, project))

    def with_verified(self, image: VerifiedImage) -> State:
        return replace(self, verified={**self.verified, image.image_id: image})

    def journal(self, engine: str, name: str) -> PromotionJournal | None:
        open_ones = (one for one in self.journals if (one.engine, one.name) == (engine, name))
        return next(open_ones, None)

    def with_journal(self, journal: PromotionJournal) -> State:
        return replace(self, journals=(*self.without_journal(journal.engine, journal.name).journals, journal))

    def without_journal(self, engine: str, name: str) -> State:
        rest = tuple(one for one in self.journals if (one.engine, one.name) != (engine, name))
        return replace(self, journals=rest)


def read_state(folder: Path, *, warn: Warn | None = None) -> State:
    """What is known; an empty state where nothing is. A broken file is moved aside and kept."""
    found = _load(folder)
    if isinstance(found, State):
        return found
    if found.broken:
        with _locked(folder):
            found = _load(folder)
            if isinstance(found, State):
                return found
            found = _set_aside(folder, found)
    _say(warn, found.reason)
    return State()


def update_state(folder: Path, change: Callable[[State], State], *, warn: Warn | None = None) -> State:
    """Apply ``change`` to what is on disk, under a lock, and write the result in one step.

    The file of a newer optbuild is left as it is: then nothing is recorded, and ``warn`` hears so.
    """
    with _locked(folder):
        found = _load(folder)
        if isinstance(found, _Unreadable) and not found.broken:
            _say(warn, f"{found.reason}; nothing was recorded")
            return change(State())
        if isinstance(found, _Unreadable):
            _say(warn, _set_aside(folder, found).reason)
            found = State()
        changed = change(found)
        try:
            atomic_write(folder / STATE_FILE, dump_state(changed), mode=0o600)
        except OSError as error:
            raise StateError(f"{folder / STATE_FILE} cannot be written: {error.strerror}") from error
    return changed


def dump_state(state: State) -> bytes:
    """The document; the same state always gives the same bytes."""
    document = {
        "schema_version": STATE_SCHEMA_VERSION,
        "verified": [asdict(state.verified[key]) for key in sorted(state.verified)],
        "projects": [{**asdict(one), "kept": list(one.kept)} for one in state.projects],
        "journals": [asdict(one) for one in state.journals],
    }
    return json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"


def parse_state(data: bytes) -> State:
    """Inverse of :func:`dump_state`. Raises ValueError, KeyError or TypeError for anything else."""
    document = json.loads(data)
    images = [VerifiedImage(**item) for item in document["verified"]]
    return State(
        {image.image_id: image for image in images},
        tuple(_project(item) for item in document["projects"]),
        tuple(_journal(item) for item in document["journals"]),
    )


@dataclass(frozen=True)
class _Unreadable:
    reason: str
    broken: bool
    """Else: written by a newer optbuild, or not readable by this user; such a file is not touched."""


def _load(folder: Path) -> State | _Unreadable:
    path = folder / STATE_FILE
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return State()
    except OSError as error:
        return _Unreadable(f"{path} cannot be read: {error.strerror}", broken=False)
    try:
        version = json.loads(data)["schema_version"]
        if isinstance(version, int) and version > STATE_SCHEMA_VERSION:
            return _Unreadable(f"{path} was written by a newer optbuild (format {version})", broken=False)
        return parse_state(data)
    except (ValueError, KeyError, TypeError, AttributeError):
        return _Unreadable(f"{path} is broken", broken=True)


def _set_aside(folder: Path, found: _Unreadable) -> _Unreadable:
    path = folder / STATE_FILE
    kept = folder / f"state.broken-{time.time_ns()}.json"
    with contextlib.suppress(OSError):
        path.rename(kept)
    return replace(found, reason=f"{found.reason}: moved to {kept}; what it said is unknown now")


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = exclusive(folder / "state.lock", "writing the state")
        lock.__enter__()
    except OSError as error:
        raise StateError(f"{folder} cannot be written: {error.strerror}", hint="set XDG_STATE_HOME") from error
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def _say(warn: Warn | None, text: str) -> None:
    if warn is not None:
        warn(f"warning: {text}")


def _project(item: dict[str, Any]) -> Project:
    former = tuple(FormerImage(**one) for one in item["superseded"])
    return Project(item["engine"], item["name"], dict(item["references"]), former)


def _journal(item: dict[str, Any]) -> PromotionJournal:
    moves = tuple(Move(**one) for one in item["moves"])
    return PromotionJournal(**{**item, "moves": moves})
