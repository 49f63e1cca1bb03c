"""Lists of names, numbers and moments in messages."""

from __future__ import annotations

from builder.core.phrases import format_both_or_all, format_moment, format_short_list, format_times, join_names


def test_lists_in_messages() -> None:
    assert (join_names([]), join_names(["a"]), join_names(["a", "b"]), join_names(["a", "b", "c"])) == (
        "",
        "a",
        "a and b",
        "a, b and c",
    )
    assert join_names([str(number) for number in range(12)]) == "0, 1, 2, 3, 4, 5, 6, 7 and 4 more"
    assert (format_times(1), format_times(2), format_times(3)) == ("once", "twice", "3 times")
    assert (format_both_or_all(2), format_both_or_all(3)) == ("both", "all 3")


def test_a_short_list_names_the_first_once_and_counts_the_rest() -> None:
    assert format_short_list(["a", "b", "a"], 2) == "a, b"
    assert format_short_list(["a", "b", "b", "c"], 2) == "a, b and 1 more"
    assert format_short_list(map(str, range(2000)), 2) == "0, 1 and 1,998 more"
    assert format_short_list([]) == ""


def test_a_person_gets_words_for_every_number() -> None:
    assert format_moment(1_764_074_975.0) == "2025-11-25 12:49 UTC"
    assert format_moment(1e30) == "at a time that no calendar has"
