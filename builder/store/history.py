"""What optbuild itself remembers of an engine's images: its state, and the journals of every optimize."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.core.errors import StateError
from builder.core.image_reference import normalize_image_name
from builder.core.phrases import format_moment
from builder.rollout.history import find_irreplaceable_images, find_rebuildable_images, iterate_runs
from builder.rollout.journal import Phase
from builder.rollout.journal_file import FOLDER, read_journal
from builder.store.model import LastOptimize, StateSnapshot, SupersededImage, UnfinishedRun

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from builder.rollout.journal import Journal
    from builder.state import ProjectState, PromotionJournal, State

_JOURNAL = re.compile(r"[0-9a-f]{64}(\.open)?\.json")


@dataclass(frozen=True)
class JournalSet:
    """All of a state folder. ``broken``: what could not be read, in words."""

    committed: tuple[Journal, ...] = ()
    unfinished: tuple[Journal, ...] = ()
    broken: tuple[str, ...] = ()


def read_journals(state_folder: Path) -> JournalSet:
    """Nothing is changed, and nothing raised: what cannot be read keeps images, as doubt."""
    committed: list[Journal] = []
    unfinished: list[Journal] = []
    broken: list[str] = []
    for path in _list_journal_paths(state_folder / FOLDER):
        try:
            journal = read_journal(path)
        except StateError as error:
            broken.append(error.message)
            continue
        if journal is not None:
            (unfinished if path.name.endswith(".open.json") else committed).append(journal)
    return JournalSet(tuple(committed), tuple(unfinished), tuple(broken))


def _list_journal_paths(folder: Path) -> tuple[Path, ...]:
    try:
        return tuple(sorted(path for path in folder.iterdir() if _JOURNAL.fullmatch(path.name)))
    except FileNotFoundError:
        return ()


def make_state_snapshot(
    engine: str, state: State, journals: JournalSet, *, doubts: tuple[str, ...] = ()
) -> StateSnapshot:
    """Only what concerns this engine; journals of a file alone name none, and count everywhere."""
    mine = [one for one in state.projects if one.engine == engine]
    done = [one for one in journals.committed if one.engine in {engine, ""}]
    running = [one for one in journals.unfinished if one.engine in {engine, ""}]
    promotions = [one for one in state.journals if one.engine == engine]
    busy = {
        image: f"a promotion of {one.name} has not ended" for one in promotions for image in _iterate_moved_images(one)
    }
    for run in (*running, *(one for one in done if one.phase is Phase.UNDOING)):
        busy |= dict.fromkeys(
            _collect_needed_images(run), f"{_describe_run(run)} has not ended (`optbuild rollback` undoes it)"
        )
    return StateSnapshot(
        promoted={
            image: name for one in mine for name, image in sorted(one.references.items(), key=_make_reference_key)
        },
        superseded={one.name: tuple(former.image_id for former in one.superseded) for one in mine},
        kept=_explain_kept_images(done),
        replaced=_collect_superseded_images(done),
        since=_collect_retirement_times(mine, done),
        busy=busy,
        unfinished=tuple(UnfinishedRun(_describe_run(one), frozenset(one.known)) for one in running if one.known),
        failed=frozenset(one.image_id for one in state.candidates if one.engine == engine and one.image_id),
        doubts=(*doubts, *journals.broken),
    )


def _make_reference_key(reference: tuple[str, str]) -> tuple[int, str]:
    return -len(reference[0]), reference[0]


def _collect_retirement_times(projects: Iterable[ProjectState], journals: Iterable[Journal]) -> dict[str, float]:
    found: dict[str, float] = {}
    ends = [(old.image_id, run.at) for one in journals for run in iterate_runs(one) for old in run.replaced]
    for image, at in (*ends, *((former.image_id, former.at) for one in projects for former in one.superseded)):
        found[image] = max(at, found.get(image, 0.0))
    return found


def find_last_optimize(engine: str, journals: JournalSet) -> LastOptimize | None:
    found = [one for one in journals.committed if one.engine == engine]
    if not found:
        return None
    last = max(found, key=lambda one: one.at)
    return LastOptimize(last.project, last.at, last.bytes_before, last.bytes_after)


def collect_used_images(journals: JournalSet, project: str) -> frozenset[str]:
    """IDs and names of all images that journals know of a project."""
    found: set[str] = set()
    for one in (*journals.committed, *journals.unfinished):
        for run in iterate_runs(one):
            if run.project == project:
                found |= _collect_needed_images(run) | {normalize_image_name(tag.reference) for tag in run.tags}
                found |= {normalize_image_name(name) for old in run.replaced for name in old.references}
    return frozenset(found)


def _describe_run(journal: Journal) -> str:
    return f"an optimize of {journal.project}"


def _iterate_moved_images(promotion: PromotionJournal) -> Iterator[str]:
    yield promotion.image_id
    yield from (move.old for move in promotion.moves if move.old)


def _collect_needed_images(journal: Journal) -> set[str]:
    """Every image that a run had, made or named."""
    services = (*journal.services, *(journal.current or ()))
    return {
        *journal.made,
        *(one.image_id for one in journal.replaced),
        *(image for tag in journal.tags for image in (tag.before, tag.after) if image),
        *(one.image_id for service in services for one in service.containers),
    }


def _explain_kept_images(journals: Iterable[Journal]) -> dict[str, str]:
    """What a rollback points names to again and could not build, of all runs that can be undone, one by one."""
    return {
        image: f"{_describe_replacement(run)}; `optbuild rollback` returns to it, and could not build it again"
        for journal in journals
        for run in iterate_runs(journal)
        for image in find_irreplaceable_images(run)
    }


def _collect_superseded_images(journals: Iterable[Journal]) -> dict[str, SupersededImage]:
    """Old images of all runs, but for what the last run of a project points to."""
    found: dict[str, SupersededImage] = {}
    for journal in journals:
        current = {tag.after for tag in journal.tags}
        for run in iterate_runs(journal):
            again = find_rebuildable_images(run)
            for old in run.replaced:
                known = found[old.image_id].names if old.image_id in found else frozenset()
                way = "a rollback would build it again" if old.image_id in again else "no rollback returns to it"
                if old.image_id not in current:
                    reason = f"{_describe_replacement(run)}; {way}"
                    found[old.image_id] = SupersededImage(
                        old.image_id, reason, known | set(map(normalize_image_name, old.references))
                    )
    return found


def _describe_replacement(run: Journal) -> str:
    return f"the optimize of {run.project} at {format_moment(run.at)} replaced it"
