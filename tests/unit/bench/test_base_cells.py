"""The cells of the matrix: 18 specs that the product reads, with constraints that it can parse."""

from __future__ import annotations

from pathlib import Path

import pytest
from base_cells import PROGRAMS, SEED_PINS, Cell, list_cells, write_constraints, write_spec

from builder.image.lock.constraints import parse_constraints
from builder.image.spec.reader import read_spec

SEED = Path(__file__).parents[2] / "fixtures/seed/Dockerfile.airflow"


def test_there_are_eighteen_and_two_stages_come_before_one() -> None:
    cells = list_cells()
    assert len(set(cells)) == len(cells) == 18
    for cell in (one for one in cells if one.stages == "one"):
        assert cells.index(Cell(cell.base, "two", cell.version)) < cells.index(cell)


@pytest.mark.parametrize("cell", list_cells(), ids=lambda cell: cell.name)
def test_each_is_a_spec_with_its_base_and_its_stages(cell: Cell, tmp_path: Path) -> None:
    reference = "bookworm" if cell.base == "debian" else "127.0.0.1:5000/stand-in/a:1"
    (tmp_path / "optbuild.toml").write_text(write_spec(cell, reference))
    (tmp_path / "constraints.txt").write_text(write_constraints(cell.version))
    spec = read_spec(tmp_path)
    assert (spec.base.kind, spec.build.multi_stage) == (cell.base, cell.stages == "two")
    assert spec.airflow.version == cell.version


def test_one_stage_is_started_only_where_it_is_the_seeds() -> None:
    assert {cell.version for cell in list_cells() if cell.stages == "one" and cell.is_started} == {"2.8.1"}


@pytest.mark.parametrize("version", PROGRAMS)
def test_the_constraints_are_named_for_their_airflow(version: str) -> None:
    found = parse_constraints(write_constraints(version).encode(), "", "constraints.txt")
    assert found.version == f"{version}/3.11"
    assert len(found.pins) > 100
    assert "apache-airflow" not in found.pins


def test_the_pins_are_the_seeds() -> None:
    assert all(f"    {pin}" in SEED.read_text() for pin in SEED_PINS)
