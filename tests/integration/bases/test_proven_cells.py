"""Images on what stands in for the newer apache/airflow, and images of one stage on each base: every role is started.

The same cells as those of ``make matrix``, one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from base_cells import Cell, remove_images, run_cell

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.soak, pytest.mark.alone]
CELLS = (
    Cell("airflow", "two", "2.11.0"),
    Cell("airflow", "two", "3.3.2"),
    Cell("debian", "one", "2.8.1"),
    Cell("image", "one", "2.8.1"),
    Cell("airflow", "one", "2.8.1"),
)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_every_check_passes(cell: Cell, tmp_path: Path) -> None:
    """Minutes each, more where a stand-in is made first."""
    try:
        proof = run_cell(cell, tmp_path)["verify"]
    finally:
        remove_images(cell.image)
    assert proof["failed"] == []
    assert proof["passed"]
    assert proof["checks"] >= 20
