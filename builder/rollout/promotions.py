"""The state of promoted images, after names of theirs were put back."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from builder.core.image_reference import normalize_image_name
from builder.state import FormerImage, State, read_state, update_state

if TYPE_CHECKING:
    from pathlib import Path

    from builder.rollout.journal import TagRecord
    from builder.state import ProjectState, PromotionJournal


def forget_promotions(folder: Path, engine: str, tags: tuple[TagRecord, ...]) -> None:
    """Where the state says that a name of ours points to the new image, let it say what it points to again. A promotion
    to it that was killed half way is not to be finished any more."""
    back = {
        normalize_image_name(tag.reference): tag for tag in tags if tag.after is not None and tag.after != tag.before
    }

    def concerned(project: ProjectState) -> bool:
        return project.engine == engine and any(
            (tag := back.get(normalize_image_name(name))) is not None and image == tag.after
            for name, image in project.references.items()
        )

    def open_still(journal: PromotionJournal) -> bool:
        return journal.engine == engine and any(
            (tag := back.get(normalize_image_name(move.reference))) is not None and journal.image_id == tag.after
            for move in journal.moves
        )

    known = read_state(folder)
    if not (any(map(concerned, known.projects)) or any(map(open_still, known.journals))):
        return

    def change(state: State) -> State:
        for project in filter(concerned, state.projects):
            state = state.with_project(_restore_references(project, back, state))
        return replace(state, journals=tuple(one for one in state.journals if not open_still(one)))

    update_state(folder, change)


def _restore_references(project: ProjectState, back: dict[str, TagRecord], state: State) -> ProjectState:
    references: dict[str, str] = {}
    left: set[str] = set()
    for name, image in project.references.items():
        tag = back.get(normalize_image_name(name))
        if tag is None or tag.after != image:
            references[name] = image
            continue
        left.add(image)
        if tag.before is not None:
            references[name] = tag.before
    holding = set(references.values())
    former = [one for one in project.superseded if one.image_id not in holding | left]
    for image in sorted(left - holding):
        verified = state.verified.get(image)
        former.append(FormerImage(image, verified.content_tag if verified else "", time.time()))
    return replace(project, references=references, superseded=tuple(former))
