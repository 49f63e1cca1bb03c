"""Columns line up, and foreign text in them does no harm."""

from __future__ import annotations

from builder.report.table import Column, format_table


def test_columns_without_titles_have_no_line_of_titles() -> None:
    columns = (Column("", right=True), Column(""))
    assert list(format_table(columns, [("10", "a"), ("9", "b")], width=0)) == ["  10  a", "   9  b"]
    assert list(format_table(columns, [], width=0)) == []


def test_one_title_is_enough_for_a_line_of_titles() -> None:
    assert list(format_table((Column("", right=True), Column("name")), [], width=0)) == ["    name"]


def test_a_cell_cannot_move_the_cursor() -> None:
    assert list(format_table((Column("a"), Column("b")), [("x\x1b[2J", "1")], width=0))[1] == "  x\\x1b[2J  1"
