"""The table of the matrix, and which results of an earlier run count."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from base_cells import Cell, list_cells
from matrix import format_table, is_good, read_record, write_record

if TYPE_CHECKING:
    from pathlib import Path

CELL = Cell("debian", "two", "2.8.1")
FIGURES: dict[str, Any] = {
    "load": 1.0,
    "seconds": {"lock": 5.0, "build": 60.0},
    "added": 500_000_000,
    "layers": 30,
    "waste": 1_500_000,
    "verify": {"passed": True, "seconds": 50.0, "checks": 15, "failed": []},
}
COMPARED = {"differing": 0, "paths": 10, "first": []}


def test_a_result_of_this_tree_counts(tmp_path: Path) -> None:
    write_record(CELL, tmp_path, FIGURES)
    record = read_record(CELL, tmp_path)
    assert record is not None
    assert record["added"] == FIGURES["added"]
    assert read_record(Cell("debian", "one", "2.8.1"), tmp_path) is None


def test_one_of_another_tree_or_of_a_failure_does_not(tmp_path: Path) -> None:
    write_record(CELL, tmp_path, {"failed": "no network"})
    assert read_record(CELL, tmp_path) is None
    (tmp_path / f"{CELL.name}.json").write_text(json.dumps({"content": "another", **FIGURES}))
    assert read_record(CELL, tmp_path) is None


def test_good_is_proven_or_equal() -> None:
    failed = {**FIGURES, "verify": {"passed": False}}
    compared = {name: value for name, value in FIGURES.items() if name != "verify"} | {"compared": COMPARED}
    differing = {**compared, "compared": {**COMPARED, "differing": 1}}
    assert [is_good(one) for one in (FIGURES, compared, failed, differing, None)] == [True, True, False, False, False]


def test_the_table_has_a_line_for_each_cell_and_says_what_was_not_measured() -> None:
    lines = format_table({cell: FIGURES if cell == CELL else None for cell in list_cells()}).splitlines()
    assert len(lines) == 2 + 18
    assert lines[2] == "| debian | two | 2.8.1 | 5 | 60 | 500 | 30 | 1.5 | 15 checks, 50 s | 1.0 |"
    assert sum("not measured" in line for line in lines) == 17
    assert len({line.count("|") for line in lines}) == 1
