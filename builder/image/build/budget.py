"""``budget.image-bytes`` of the spec: may an image of this size be promoted?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.core.errors import BudgetExceededError
from builder.core.phrases import format_exact_bytes

if TYPE_CHECKING:
    from builder.core.progress import Progress
    from builder.image.build.model import Candidate


def check_budget(candidate: Candidate, budget: int | None, progress: Progress, *, promoting: bool) -> None:
    """``budget`` in bytes, None: no limit. Over it, a candidate is a warning; what is to be promoted is refused.

    Raises BudgetExceededError.
    """
    if budget is None:
        return
    if candidate.bytes is None:
        progress.note(
            "note: budget.image-bytes of optbuild.toml was not checked: the image went straight to its registry and "
            "was not unpacked here"
        )
        return
    if candidate.bytes <= budget:
        return
    over = candidate.bytes - budget
    text = (
        f"the image has {format_exact_bytes(candidate.bytes)} unpacked, budget.image-bytes of optbuild.toml allows "
        f"{format_exact_bytes(budget)}: {format_exact_bytes(over)} ({100 * over / budget:.1f} %) too much"
    )
    if promoting:
        raise BudgetExceededError(text, candidate.reference, candidate.image_id)
    progress.note(f"warning: {text}; with --verify it would not be promoted")
