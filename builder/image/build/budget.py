"""``budget.image-bytes`` of the spec: may an image of this size be promoted?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.core.errors import BudgetExceededError

if TYPE_CHECKING:
    from builder.core.progress import Progress
    from builder.image.build.model import Candidate


def check_budget(candidate: Candidate, budget: int | None, progress: Progress, *, promoting: bool) -> None:
    """``budget`` in bytes, None: no limit. Over it, a candidate is a warning; what is to be promoted is refused.

    Raises BudgetExceededError.
    """
    if budget is None or candidate.bytes <= budget:
        return
    over = candidate.bytes - budget
    text = (
        f"the image has {_format_bytes(candidate.bytes)} unpacked, budget.image-bytes of optbuild.toml allows "
        f"{_format_bytes(budget)}: {_format_bytes(over)} ({100 * over / budget:.1f} %) too much"
    )
    if promoting:
        raise BudgetExceededError(text, candidate.reference, candidate.image_id)
    progress.note(f"warning: {text}; with --verify it would not be promoted")


def _format_bytes(count: int) -> str:
    return f"{count:,} bytes" if count < 1_000_000 else f"{count:,} bytes ({count / 1e6:,.1f} MB)"
