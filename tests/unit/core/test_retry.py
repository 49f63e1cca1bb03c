"""How long is waited between attempts, and which errors are raised."""

from __future__ import annotations

import pytest

from builder.core.retry import DEFAULT_POLICY, RetryPolicy, call_with_retries


def test_pauses_grow_up_to_a_limit_and_differ() -> None:
    shortest, longest = (RetryPolicy(draw=lambda value=draw: value) for draw in (0.0, 1.0))  # type: ignore[misc]  # mypy: lambda with default
    assert [shortest.compute_delay(number) for number in (1, 2, 3, 9)] == [0.5, 1.0, 2.0, 10.0]
    assert [longest.compute_delay(number) for number in (1, 2, 3, 9)] == [1.0, 2.0, 4.0, 20.0]


def test_nobody_else_waits_as_long() -> None:
    """Many machines that failed in the same moment do not come back in one."""
    assert len({DEFAULT_POLICY.compute_delay(1) for _ in range(20)}) > 1


@pytest.mark.parametrize(("failures", "attempts"), [(0, 1), (1, 2), (4, 5)])
def test_it_goes_on_until_it_succeeds(failures: int, attempts: int) -> None:
    calls: list[int] = []

    def call() -> str:
        calls.append(1)
        if len(calls) <= failures:
            raise ValueError("later")
        return "done"

    notes: list[str] = []
    policy = RetryPolicy(sleep=lambda _seconds: None)
    assert call_with_retries(call, lambda _error: True, notes.append, policy) == "done"
    assert (len(calls), len(notes)) == (attempts, failures)


@pytest.mark.parametrize(("transient", "attempts"), [(True, 3), (False, 1)])
def test_the_error_itself_is_raised(transient: bool, attempts: int) -> None:
    calls: list[int] = []

    def call() -> None:
        calls.append(1)
        raise ValueError("never")

    with pytest.raises(ValueError, match="never"):
        call_with_retries(
            call, lambda _error: transient, lambda _note: None, RetryPolicy(3, sleep=lambda _seconds: None)
        )
    assert len(calls) == attempts
