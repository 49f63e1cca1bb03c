"""Changes of a text as values."""

from __future__ import annotations

import pytest
from edited_text import apply_edits

from builder.core.text_edits import Position, TextEdit, cut_edited, insert_text

TEXT = "one\ntwo\nthree\n"


def test_positions_are_those_before_any_edit() -> None:
    edits = (
        TextEdit(Position(2, 0), Position(3, 1), "T"),
        insert_text(Position(1, 3), "!"),
        insert_text(Position(1, 3), "?"),
    )
    assert apply_edits(TEXT, edits) == "one!?\nThree\n"


def test_equal_edits_count_once() -> None:
    assert apply_edits(TEXT, [insert_text(Position(1, 0), "a ")] * 2) == f"a {TEXT}"


def test_what_begins_a_new_line_stands_behind_what_goes_on_in_it() -> None:
    edits = (insert_text(Position(2, 3), "\nnew"), insert_text(Position(2, 3), "!"))
    assert apply_edits("one\ntwo", edits) == "one\ntwo!\nnew"


def test_a_new_line_ends_as_the_others_do() -> None:
    assert apply_edits("a\r\nb\r\n", [insert_text(Position(2, 0), "x\n")]) == "a\r\nx\r\nb\r\n"


def test_a_part_is_cut_with_what_changes_in_it() -> None:
    edits = (insert_text(Position(1, 0), "no "), insert_text(Position(2, 3), "!"))
    assert cut_edited(TEXT, edits, Position(2, 1), Position(3, 2)) == "wo!\nth"


def test_what_would_be_put_into_text_that_goes_is_left_out() -> None:
    edits = (insert_text(Position(2, 1), "!"), TextEdit(Position(2, 0), Position(2, 3), ""))
    assert apply_edits(TEXT, edits) == "one\n\nthree\n"
    assert apply_edits(TEXT, (*edits, insert_text(Position(2, 3), "?"))) == "one\n?\nthree\n"


def test_overlapping_edits_are_refused() -> None:
    edits = (TextEdit(Position(1, 0), Position(1, 2), ""), TextEdit(Position(1, 1), Position(2, 0), ""))
    with pytest.raises(ValueError, match="overlap at line 1"):
        apply_edits(TEXT, edits)


@pytest.mark.parametrize("end", [Position(9, 0), Position(1, 4), Position(0, 0)])
def test_a_place_outside_of_the_text_is_refused(end: Position) -> None:
    with pytest.raises(ValueError, match=f"line {end.line}"):
        cut_edited(TEXT, (), Position(1, 0), end)
