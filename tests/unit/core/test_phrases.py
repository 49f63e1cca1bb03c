"""Lists of names in messages."""

from __future__ import annotations

from builder.core.phrases import every, listed, times


def test_lists_in_messages() -> None:
    assert (listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])) == (
        "",
        "a",
        "a and b",
        "a, b and c",
    )
    assert listed([str(number) for number in range(12)]) == "0, 1, 2, 3, 4, 5, 6, 7 and 4 more"
    assert (times(1), times(2), times(3)) == ("once", "twice", "3 times")
    assert (every(2), every(3)) == ("both", "all 3")
