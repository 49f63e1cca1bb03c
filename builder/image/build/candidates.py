"""Candidates of runs that have not ended well, in the state: what one left that failed or was killed, the next removes.

The record is written before anything is built, because a killed process says nothing afterwards.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.core.naming import LABEL_CONTENT, LABEL_PROJECT, REPEATED_SUFFIX
from builder.state import OpenCandidate, read_state, update_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from builder.engine.client import Engine, ImageInfo
    from builder.image.build.model import BuildJob
    from builder.state import State


def open_candidate(job: BuildJob) -> OpenCandidate:
    """Of a build that is about to begin."""
    before = job.engine.find_image_id(job.reference)
    return OpenCandidate(job.engine.info.identity, job.name, job.content_tag, job.reference, before)


def record_candidate(candidate: OpenCandidate, folder: Path) -> None:
    """Write it into the state, in the place of what was recorded of this build before. The caller holds the project's
    lock."""
    begun = replace(candidate, image_id=None)

    def change(state: State) -> State:
        known = state.list_candidates(candidate.engine, candidate.name)
        return state.with_candidates(
            candidate.engine, candidate.name, (*(one for one in known if one != begun), candidate)
        )

    update_state(folder, change)


def settle_candidates(folder: Path, engine: str, name: str, left: Iterable[OpenCandidate] = ()) -> None:
    """A run ended well, so all that it built is as it should be; ``left`` are those of earlier runs that stay open.

    Nothing is written where that is known: a build with nothing to do takes milliseconds.
    """
    wanted = tuple(left)
    if read_state(folder).list_candidates(engine, name) != wanted:
        update_state(folder, lambda state: state.with_candidates(engine, name, wanted))


def find_left_images(engine: Engine, candidate: OpenCandidate) -> Iterator[ImageInfo]:
    """The images that an ended run left of ``candidate``: with its labels, and with no name but those of its build.

    An image that was there before the build is its own only where the build gave just that one.
    """
    own = {candidate.reference, candidate.reference + REPEATED_SUFFIX}
    built = candidate.image_id or engine.find_image_id(candidate.reference)
    known = {None} if candidate.image_id else {None, candidate.before}
    found = {built, engine.find_image_id(candidate.reference + REPEATED_SUFFIX)} - known
    for image_id in sorted(one for one in found if one):
        image = engine.inspect_image(image_id)
        if image and _has_labels(image, candidate) and set(image.references) <= own:
            yield image


def _has_labels(image: ImageInfo, candidate: OpenCandidate) -> bool:
    wanted = {LABEL_PROJECT: candidate.name, LABEL_CONTENT: candidate.content_tag}
    return wanted.items() <= dict(image.labels).items()
