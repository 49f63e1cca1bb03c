"""``build --reproduce``: the same image from a second build that shares no cache, or the first difference.

"The same" is one ID. Where a pin replaces a distribution of the base, its files are deleted, and a deleted file bears
the time of the build: then the contents must be the same, and the ID cannot be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.core.errors import NotReproducibleError
from builder.image.build.model import Reproduction
from builder.image.build.repeat import repeat_build
from builder.inspect.repetition import find_first_difference, hash_equal_contents

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.image.build.model import BuildJob, Candidate
    from builder.image.build.repeat import RepeatedImage
    from builder.image.render.model import BuildContext
    from builder.inspect.repetition import Difference


def check_reproducible(
    job: BuildJob,
    candidate: Candidate,
    prepare: Callable[[BuildContext, Path], None],
    base_layers: tuple[str, ...] = (),
) -> Reproduction:
    """Build once more and compare image IDs, then contents. ``prepare`` makes, or downloads, the base anew;
    ``base_layers`` are those of an image that lies below, by diff ID.

    Raises NotReproducibleError, and what a build raises.
    """
    job.runtime.progress.note(f"building {job.reference} once more, without any cache of the first build")
    with repeat_build(job, prepare) as repeated:
        if repeated.image_id == candidate.image_id:
            return Reproduction(repeated.seconds)
        if base_layers and (contents := _compare_contents(job, candidate, repeated, base_layers)):
            return Reproduction(repeated.seconds, contents)
        with job.runtime.progress.task("comparing the two images layer by layer"):
            found = find_first_difference(
                job.engine.api, candidate.image_id, repeated.image_id, ignores_whiteouts=bool(base_layers)
            )
        text = "no difference was found in layers or configuration" if found is None else format_difference(found)
        hint = (found.hint if found else "") or (
            "see what writes it: a clock, a random number, the order of a folder, a file that was downloaded"
        )
        raise NotReproducibleError(candidate.image_id, repeated.image_id, text, hint=hint)


def _compare_contents(
    job: BuildJob, candidate: Candidate, repeated: RepeatedImage, base_layers: tuple[str, ...]
) -> str:
    """Their hash; empty: they are not the same."""
    with job.runtime.progress.task("comparing the contents of the two images"):
        return hash_equal_contents(job.engine.api, candidate.image_id, repeated.image_id, frozenset(base_layers))


def format_difference(found: Difference) -> str:
    """The first difference in words: layer, step, path, and each thing in first / second build."""
    what = "; ".join(found.what)
    if not found.layer:
        return f"all layers are equal, the configuration is not: {what}"
    layer = f"layer {found.layer}" + (f" ({found.step})" if found.step else "")
    if not found.path:
        return f"{layer}: {what}"
    others = f", and {found.others} more in this layer" if found.others else ""
    return f"{layer}, {found.path}: {what} (first / second build){others}"
