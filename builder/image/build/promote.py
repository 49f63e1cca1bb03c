"""Candidate + report → promoted: every name of the image moves to one image ID, or none does.

The set of moves is written into the state before the first one, so that a kill in between is finished at the next
start. Names are compared before they are moved: one that somebody else moved meanwhile is not ours to overwrite.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from builder.core.errors import CandidateRefusedError, PromotionError
from builder.core.naming import LABEL_CONTENT, LABEL_PROJECT
from builder.state import FormerImage, ProjectState, PromotionJournal, TagMove, VerifiedImage, read_state, update_state

if TYPE_CHECKING:
    from pathlib import Path

    from builder.airflow.model import Role
    from builder.engine.client import Engine
    from builder.image.build.model import Candidate
    from builder.image.verify.model import VerifyReport
    from builder.state import State

Say = Callable[[str], None]


@dataclass(frozen=True)
class Promotion:
    """What was done. ``moved``: names that pointed elsewhere before; ``references``: all that have the ID now."""

    image_id: str
    references: tuple[str, ...]
    moved: tuple[str, ...]


def hash_proof(roles: tuple[Role, ...], *inputs: str) -> str:
    """What a verification proves, as one digest: the same image with another role must be verified again.

    ``inputs``: database, broker, the digest of the DAG files; empty where there is none. A check that an older optbuild
    did not have counts too.
    """
    from builder.image.verify.checks import CHECKS  # all of verify, for a build that verifies

    checks = [row.name for row in CHECKS]
    return hashlib.sha256("\0".join((repr(roles), *inputs, repr(checks))).encode()).hexdigest()


def check_passed(candidate: Candidate, report: VerifyReport) -> None:
    """Raises CandidateRefusedError, which says where the candidate is and how to look at it."""
    if report.image_id != candidate.image_id:
        raise PromotionError(f"the report is of {report.image_id}, the candidate is {candidate.image_id}")
    if report.passed:
        return
    failed = ", ".join(check.name for check in report.checks if not check.is_good)
    raise CandidateRefusedError(
        f"checks failed: {failed or 'none was run'}. Nothing was promoted: all tags stay as they were. The candidate "
        f"is {candidate.reference} ({candidate.image_id})",
        hint=f"look inside with `docker run --rm -it --entrypoint bash {candidate.reference}`; after a change, build "
        "again: the next build removes this candidate, unless a container uses it",
    )


def record_verified(folder: Path, candidate: Candidate, report: VerifyReport, *, project: str, proof: str) -> None:
    """Remember by ID that every check passed. Raises CandidateRefusedError when one did not."""
    check_passed(candidate, report)
    image = VerifiedImage(candidate.image_id, project, candidate.content_tag, proof, time.time())
    update_state(folder, lambda state: state.with_verified(image))


def is_verified(state: State, image_id: str, proof: str) -> bool:
    """Whether exactly this was proven of exactly this image."""
    known = state.verified.get(image_id)
    return known is not None and known.proof == proof


def promote_candidate(
    candidate: Candidate, references: tuple[str, ...], *, project: str, engine: Engine, folder: Path, say: Say
) -> Promotion:
    """Move every reference to the candidate, which the state must know as verified, and record it.

    The caller holds the project's lock. Raises PromotionError when somebody else moves a tag meanwhile, or when the
    image is not known as verified; then the tags that were moved are put back.
    """
    if candidate.image_id not in read_state(folder, warn=say).verified:
        raise PromotionError(f"{candidate.reference} is not known as verified", hint="`optbuild build --verify`")
    moves = tuple(TagMove(reference, engine.find_image_id(reference)) for reference in references)
    journal = PromotionJournal(
        engine.info.identity, project, candidate.image_id, candidate.content_tag, moves, time.time()
    )
    update_state(folder, lambda state: state.with_journal(journal), warn=say)
    try:
        _move_references(journal, engine)
        _check_moved(journal, engine)
    except BaseException:
        _undo_moves(journal, engine, say)
        update_state(folder, lambda state: state.without_journal(journal.engine, journal.name))
        raise
    _record_promotion(journal, engine, folder, say)
    moved = tuple(move.reference for move in moves if move.old != candidate.image_id)
    return Promotion(candidate.image_id, references, moved)


def recover_promotion(engine: Engine, folder: Path, project: str, say: Say) -> bool:
    """Finish a promotion that was killed, or undo it where its image is gone. The caller holds the project's lock.

    Returns whether there was one.
    """
    journal = read_state(folder, warn=say).find_journal(engine.info.identity, project)
    if journal is None:
        return False
    if engine.find_image_id(journal.image_id) is None:
        say(f"a killed promotion of {project} is undone: its image {journal.image_id} is gone")
        _undo_moves(journal, engine, say)
        update_state(folder, lambda state: state.without_journal(journal.engine, journal.name))
        return True
    say(f"a promotion of {project} to {journal.image_id} was killed half way: it is finished now")
    kept = []
    for move in journal.moves:
        now = engine.find_image_id(move.reference)
        if now not in (move.old, journal.image_id):
            say(f"warning: {move.reference} was moved by somebody else meanwhile and is left as it is")
            continue
        if now != journal.image_id:
            engine.tag(journal.image_id, move.reference)
        kept.append(move)
    _record_promotion(replace(journal, moves=tuple(kept)), engine, folder, say)
    return True


def _move_references(journal: PromotionJournal, engine: Engine) -> None:
    for move in journal.moves:
        now = engine.find_image_id(move.reference)
        if now == journal.image_id:
            continue
        if now != move.old:
            raise PromotionError(
                f"{move.reference} was moved by somebody else during the promotion: it was {move.old}, it is {now}",
                hint="find out who tags this name, then build again",
            )
        engine.tag(journal.image_id, move.reference)


def _check_moved(journal: PromotionJournal, engine: Engine) -> None:
    for move in journal.moves:
        if (now := engine.find_image_id(move.reference)) != journal.image_id:
            raise PromotionError(f"{move.reference} is {now} after the promotion, not {journal.image_id}")


def _undo_moves(journal: PromotionJournal, engine: Engine, say: Say) -> None:
    """Put back what was moved; a name that is not ours any more is left alone."""
    for move in journal.moves:
        now = engine.find_image_id(move.reference)
        if now == move.old or now not in (journal.image_id, None):
            continue
        if move.old is None:
            engine.untag(move.reference)
        elif engine.find_image_id(move.old) is None:
            say(f"warning: {move.reference} cannot be put back: its image {move.old} is gone")
        else:
            engine.tag(move.old, move.reference)


def _record_promotion(journal: PromotionJournal, engine: Engine, folder: Path, say: Say) -> None:
    """Close the journal and write down who holds the names now, and who does not any more."""
    old = dict.fromkeys(move.old for move in journal.moves if move.old not in (None, journal.image_id))
    former = [one for one in (_find_former_image(image_id, journal.name, engine) for image_id in old) if one]

    def change(state: State) -> State:
        after = _apply_promotion(state.find_project(journal.engine, journal.name), journal, former)
        return state.with_project(after).without_journal(journal.engine, journal.name)

    update_state(folder, change, warn=say)


def _apply_promotion(project: ProjectState, journal: PromotionJournal, former: list[FormerImage]) -> ProjectState:
    references = {**project.references, **{move.reference: journal.image_id for move in journal.moves}}
    holding = set(references.values())
    known = {one.image_id: one for one in (*project.superseded, *former)}
    superseded = sorted((one for one in known.values() if one.image_id not in holding), key=lambda one: one.at)
    return replace(project, references=references, superseded=tuple(superseded))


def _find_former_image(image_id: str | None, name: str, engine: Engine) -> FormerImage | None:
    """The image that held a name, if it is one of this project; a stranger's image is never superseded."""
    image = engine.inspect_image(image_id) if image_id else None
    if image is None or image.labels.get(LABEL_PROJECT) != name:
        return None
    return FormerImage(image.id, image.labels.get(LABEL_CONTENT, ""), time.time())
