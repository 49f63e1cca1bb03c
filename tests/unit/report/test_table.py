"""Columns line up, and foreign text in them does no harm."""

from __future__ import annotations

import pytest

from builder.report.table import Column, format_table


def test_columns_without_titles_have_no_line_of_titles() -> None:
    columns = (Column("", right=True), Column(""))
    assert list(format_table(columns, [("10", "a"), ("9", "b")], width=0)) == ["  10  a", "   9  b"]
    assert list(format_table(columns, [], width=0)) == []


def test_one_title_is_enough_for_a_line_of_titles() -> None:
    assert list(format_table((Column("", right=True), Column("name")), [], width=0)) == ["    name"]


def test_a_cell_cannot_move_the_cursor() -> None:
    assert list(format_table((Column("a"), Column("b")), [("x\x1b[2J", "1")], width=0))[1] == "  x\\x1b[2J  1"


COLUMNS = (
    Column("image"),
    Column("ID"),
    Column("created", moves=2),
    *(Column(title, right=True) for title in ("unpacked", "unique", "shared", "frees")),
    Column("standing", moves=1, colors={"unused": "33"}),
    Column("why", moves=1),
)
LONG = "registry.example:5000/team/airflow:2.8.1-python3.11"
USED = ("in use", "container airflow-webserver-1 (running) uses it, and 12 more")
FIGURES = ("999 MB", "1.23 GB", "—", "0 B")
ROWS = [
    (LONG, "0123456789ab", "2026-11-29", *FIGURES, *USED),
    ("app:1", "0123456789ab", "—", *FIGURES, "unused", "it may go"),
    ("app:2", *[""] * 8),
]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_no_row_is_wider_than_the_terminal(width: int) -> None:
    lines = list(format_table(COLUMNS, ROWS, width=width))
    widest = 56 if width == 40 else width  # figures are never cut
    assert max(map(len, lines)) <= widest
    words = " ".join(" ".join(lines).split())
    for cell in ("0123456789ab", "1.23 GB", "app:2", "in use", "2.8.1-python3.11", "uses it"):
        assert cell in words


def test_what_went_last_is_named_where_it_stands_below() -> None:
    lines = list(format_table(COLUMNS, ROWS[1:], width=60))
    assert lines == [
        "  image  ID            unpacked   unique  shared  frees",
        "  app:1  0123456789ab    999 MB  1.23 GB       —    0 B",
        "  app:2",
        "      created —; unused: it may go",
    ]


def test_nothing_is_cut_where_there_is_no_terminal() -> None:
    (line,) = [line for line in format_table(COLUMNS, ROWS, width=0) if "uses" in line]
    assert all(cell in line for cell in ROWS[0])


def test_a_cell_that_may_be_cut_is_cut_before_names_go_above() -> None:
    columns = (Column("service"), Column("image", gives=True), Column("ID"))
    (_, row) = format_table(columns, [("airflow-webserver", "registry.example/team/airflow:2.8.1", "0123")], width=50)
    assert row == "  airflow-webserver  registry.ex…rflow:2.8.1  0123"


def test_colors_change_no_place() -> None:
    plain = list(format_table(COLUMNS, ROWS, width=200))
    colored = list(format_table(COLUMNS, ROWS, width=200, color=True))
    assert colored[0] == f"\x1b[1m{plain[0]}\x1b[0m"
    assert colored[2].replace("\x1b[33m", "").replace("\x1b[0m", "") == plain[2]
    assert "\x1b[33munused  " in colored[2]
    assert colored[1] == plain[1]
