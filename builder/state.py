"""What optbuild remembers of an engine's images: promoted, superseded, kept for rollback, verified; and open journals
and candidates.

One JSON document. Whatever cannot be read is treated as unknown, with a warning: lost state never leads to a deletion.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from builder.core.documents import Form, dump_document, parse_document, read_document, write_document
from builder.core.errors import BrokenDocumentError, StateError
from builder.core.files import hold_lock

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
class ProjectState:
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
class TagMove:
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
    moves: tuple[TagMove, ...]
    at: float


@dataclass(frozen=True)
class OpenCandidate:
    """A build that has begun: gone when its run ended well. What is still here when the next one begins has failed."""

    engine: str
    name: str
    content_tag: str
    reference: str
    before: str | None
    """ID that ``reference`` pointed to when the build began; None: it did not exist."""
    image_id: str | None = None
    """None: nothing was built yet, or the process ended before it could say so."""


@dataclass(frozen=True)
class State:
    """The whole document."""

    verified: Mapping[str, VerifiedImage] = field(default_factory=dict)
    """By image ID."""
    projects: tuple[ProjectState, ...] = ()
    journals: tuple[PromotionJournal, ...] = ()
    candidates: tuple[OpenCandidate, ...] = ()

    def find_project(self, engine: str, name: str) -> ProjectState:
        known = (project for project in self.projects if (project.engine, project.name) == (engine, name))
        return next(known, ProjectState(engine, name))

    def with_project(self, project: ProjectState) -> State:
        key = (project.engine, project.name)
        others = tuple(other for other in self.projects if (other.engine, other.name) != key)
        return replace(self, projects=(*others, project))

    def with_verified(self, image: VerifiedImage) -> State:
        return replace(self, verified={**self.verified, image.image_id: image})

    def find_journal(self, engine: str, name: str) -> PromotionJournal | None:
        open_ones = (one for one in self.journals if (one.engine, one.name) == (engine, name))
        return next(open_ones, None)

    def with_journal(self, journal: PromotionJournal) -> State:
        return replace(self, journals=(*self.without_journal(journal.engine, journal.name).journals, journal))

    def without_journal(self, engine: str, name: str) -> State:
        rest = tuple(one for one in self.journals if (one.engine, one.name) != (engine, name))
        return replace(self, journals=rest)

    def list_candidates(self, engine: str, name: str) -> tuple[OpenCandidate, ...]:
        return tuple(one for one in self.candidates if (one.engine, one.name) == (engine, name))

    def with_candidates(self, engine: str, name: str, candidates: Iterable[OpenCandidate]) -> State:
        """Exactly these are open of that project."""
        others = tuple(one for one in self.candidates if (one.engine, one.name) != (engine, name))
        return replace(self, candidates=(*others, *dict.fromkeys(candidates)))


def read_state(folder: Path, *, warn: Warn | None = None) -> State:
    """What is known; an empty state where nothing is. A broken file is moved aside and kept."""
    found = _load_state(folder)
    if isinstance(found, State):
        return found
    if found.broken:
        with _lock_folder(folder):
            found = _load_state(folder)
            if isinstance(found, State):
                return found
            found = _move_aside(folder, found)
    _warn(warn, found.reason)
    return State()


def update_state(folder: Path, change: Callable[[State], State], *, warn: Warn | None = None) -> State:
    """Apply ``change`` to what is on disk, under a lock, and write the result in one step.

    The file of a newer optbuild is left as it is: then nothing is recorded, and ``warn`` is called.
    """
    with _lock_folder(folder):
        found = _load_state(folder)
        if isinstance(found, _UnreadableState) and not found.broken:
            _warn(warn, f"{found.reason}; nothing was recorded")
            return change(State())
        if isinstance(found, _UnreadableState):
            _warn(warn, _move_aside(folder, found).reason)
            found = State()
        changed = change(found)
        write_document(folder / STATE_FILE, dump_state(changed))
    return changed


def dump_state(state: State) -> bytes:
    """The document; the same state always gives the same bytes."""
    document: dict[str, list[dict[str, Any]]] = {
        "verified": [asdict(state.verified[key]) for key in sorted(state.verified)],
        "projects": [{**asdict(one), "kept": one.kept} for one in state.projects],
        "journals": [asdict(one) for one in state.journals],
    }
    if state.candidates:
        document["candidates"] = [asdict(one) for one in state.candidates]
    return dump_document(document, STATE_SCHEMA_VERSION)


def parse_state(data: bytes) -> State:
    """Inverse of :func:`dump_state`. Raises StateError for anything else."""
    return _as_state(parse_document(data, _FORM, "the state"))


@dataclass(frozen=True)
class _Stored:
    """The state as its document has it."""

    verified: tuple[VerifiedImage, ...]
    projects: tuple[ProjectState, ...]
    journals: tuple[PromotionJournal, ...]
    candidates: tuple[OpenCandidate, ...] = ()


_FORM = Form(_Stored, STATE_SCHEMA_VERSION, open_types=(_Stored, ProjectState), later=frozenset({"candidates"}))


def _as_state(stored: _Stored) -> State:
    verified = {image.image_id: image for image in stored.verified}
    return State(verified, stored.projects, stored.journals, stored.candidates)


@dataclass(frozen=True)
class _UnreadableState:
    reason: str
    broken: bool
    """Else: written by a newer optbuild, or not readable by this user; such a file is not touched."""


def _load_state(folder: Path) -> State | _UnreadableState:
    try:
        stored = read_document(folder / STATE_FILE, _FORM)
    except StateError as error:
        return _UnreadableState(error.message, broken=isinstance(error, BrokenDocumentError))
    return State() if stored is None else _as_state(stored)


def _move_aside(folder: Path, found: _UnreadableState) -> _UnreadableState:
    path = folder / STATE_FILE
    kept = folder / f"state.broken-{time.time_ns()}.json"
    with contextlib.suppress(OSError):
        path.rename(kept)
    return replace(found, reason=f"{found.reason}: moved to {kept}; what it said is unknown now")


@contextlib.contextmanager
def _lock_folder(folder: Path) -> Iterator[None]:
    try:
        lock = hold_lock(folder / "state.lock", "writing the state")
        lock.__enter__()
    except OSError as error:
        raise StateError(f"{folder} cannot be written: {error.strerror}", hint="set XDG_STATE_HOME") from error
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def _warn(warn: Warn | None, text: str) -> None:
    if warn is not None:
        warn(f"warning: {text}")
