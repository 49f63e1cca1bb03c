"""An image that is larger than the spec allows: said with figures, and not promoted."""

from __future__ import annotations

import io

import pytest

from builder.core.errors import BudgetExceededError, ExitCode
from builder.core.progress import LineProgress
from builder.image.build.budget import check_budget
from builder.image.build.model import Candidate


def check(size: int, budget: int | None, *, promoting: bool = False) -> str:
    candidate = Candidate("sha256:a", "demo:0123456789ab", "0123456789ab", cached=False, seconds=1.0, bytes=size)
    said = io.StringIO()
    check_budget(candidate, budget, LineProgress(said), promoting=promoting)
    return said.getvalue()


@pytest.mark.parametrize("budget", [None, 900, 901])
@pytest.mark.parametrize("promoting", [True, False])
def test_within_the_budget_nothing_is_said(budget: int | None, promoting: bool) -> None:
    assert check(900, budget, promoting=promoting) == ""


def test_a_candidate_over_the_budget_is_a_warning_with_all_figures() -> None:
    said = check(990_000_000, 900_000_000)
    assert said.startswith("warning: the image has 990,000,000 bytes (990.0 MB) unpacked")
    assert "allows 900,000,000 bytes (900.0 MB): 90,000,000 bytes (90.0 MB) (10.0 %) too much" in said
    assert "with --verify it would not be promoted" in said


def test_over_the_budget_nothing_is_promoted_and_the_candidate_is_named() -> None:
    with pytest.raises(BudgetExceededError, match=r"901 bytes unpacked.*allows 900 bytes: 1 bytes") as caught:
        check(901, 900, promoting=True)
    assert caught.value.exit_code is ExitCode.CHECK_FAILED
    assert "all tags stay as they were. The candidate is demo:0123456789ab (sha256:a)" in caught.value.message
    assert "docker history demo:0123456789ab" in str(caught.value.hint)
