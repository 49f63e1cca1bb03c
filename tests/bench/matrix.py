"""``make matrix``: three bases, one stage and two, three Airflows; what each lock, build and proof takes and gives.

A cell is a process; its figures are one JSON file in .bench/matrix, and a run that is stopped goes on with the cell
that it was at. A cell is measured again when the tree or its stand-in has changed. At most 90 minutes: what is then
not measured is said, and the exit code is 1, as it is when a cell fails.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from base_cells import ROOT, Cell, hash_cell, list_cells, remove_images
from stand_ins import run

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = ROOT / ".bench/matrix"
LIMIT_SECONDS = 90 * 60.0
CELL_SECONDS = 20 * 60.0
HEAD = ("base", "stages", "airflow", "lock s", "build s", "added MB", "layers", "waste MB", "verify", "load")
MEGABYTE = 1e6


def main(words: Sequence[str]) -> int:
    options = parse_options(words)
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    options.folder.mkdir(parents=True, exist_ok=True)
    if not options.table:
        measure_cells(options.cells or list_cells(), options.folder, time.monotonic() + options.minutes * 60)
    records = {cell: read_record(cell, options.folder) for cell in list_cells()}
    sys.stdout.write(format_table(records))
    return 0 if all(is_good(record) for record in records.values()) else 1


def parse_options(words: Sequence[str]) -> argparse.Namespace:
    names = {cell.name: cell for cell in list_cells()}
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("cells", nargs="*", type=lambda name: names[name], metavar="CELL", help=", ".join(names))
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of the results")
    parser.add_argument("--minutes", type=float, default=LIMIT_SECONDS / 60, help="then no further cell begins")
    parser.add_argument("--table", action="store_true", help="print the table of the results that are there")
    return parser.parse_args(words)


def measure_cells(cells: Sequence[Cell], folder: Path, end: float) -> None:
    """Those that have no result of today's tree. The image of two stages stays until that of one stage was compared."""
    for cell in cells:
        if read_record(cell, folder) is None and time.monotonic() < end:
            other = Cell(cell.base, "two", cell.version)
            if not cell.is_started and find_image(other) == other.image:  # an earlier run made it, and removed it
                write_record(other, folder, measure_cell(other, min(CELL_SECONDS, end - time.monotonic())))
            write_record(cell, folder, measure_cell(cell, min(CELL_SECONDS, end - time.monotonic())))
    for cell in cells:
        remove_images(cell.image)


def measure_cell(cell: Cell, limit: float) -> dict[str, Any]:
    """Its figures, or ``failed`` with what was said; a cell that takes ``limit`` seconds has failed."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {cell.name}\n")
    other = Cell(cell.base, "two", cell.version)
    compare = () if cell.is_started else ("--compare", find_image(other))
    argv = (sys.executable, str(Path(__file__).with_name("base_cells.py")), cell.name, "--keep", *compare)
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=limit)
    except subprocess.TimeoutExpired:
        return {"failed": f"took more than {limit:.0f} s"}
    if done.returncode:
        return {"failed": done.stderr.strip()[-2000:]}
    return dict(json.loads(done.stdout))


def find_image(cell: Cell) -> str:
    """The image of a cell that is on the engine; its repository where none is."""
    names = run(("docker", "images", "--format={{.Repository}}:{{.Tag}}", cell.image)).split()
    return names[0] if names else cell.image


def write_record(cell: Cell, folder: Path, figures: dict[str, Any]) -> None:
    part = folder / f"{cell.name}.part"
    part.write_text(json.dumps({"content": hash_cell(cell), **figures}, indent=1) + "\n", encoding="utf-8")
    part.replace(folder / f"{cell.name}.json")


def read_record(cell: Cell, folder: Path) -> dict[str, Any] | None:
    """None where there is none, or one of another tree, or one that failed: it is tried again."""
    path = folder / f"{cell.name}.json"
    if not path.exists():
        return None
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record if record["content"] == hash_cell(cell) and "failed" not in record else None


def is_good(record: dict[str, Any] | None) -> bool:
    """Measured, and proven or equal to the image of two stages."""
    if record is None:
        return False
    return bool(record["verify"]["passed"]) if "verify" in record else not record["compared"]["differing"]


def format_table(records: dict[Cell, dict[str, Any] | None]) -> str:
    """Markdown, a line for each cell."""
    rows = [HEAD, tuple("---" for _ in HEAD), *(make_row(cell, record) for cell, record in records.items())]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def make_row(cell: Cell, record: dict[str, Any] | None) -> tuple[str, ...]:
    start = (cell.base, cell.stages, cell.version)
    if record is None:
        return (*start, *("-" for _ in HEAD[len(start) : -2]), "not measured", "-")
    seconds = record["seconds"]
    amounts = (f"{seconds['lock']:.0f}", f"{seconds['build']:.0f}", f"{record['added'] / MEGABYTE:.0f}")
    waste = f"{record['waste'] / MEGABYTE:.1f}"
    return (*start, *amounts, str(record["layers"]), waste, describe_proof(record), f"{record['load']:.1f}")


def describe_proof(record: dict[str, Any]) -> str:
    if "verify" in record:
        found = record["verify"]
        failed = "; ".join(found["failed"])
        return f"{found['checks']} checks, {found['seconds']:.0f} s" + (f", failed: {failed}" if failed else "")
    compared = record["compared"]
    return f"{compared['differing']} of {compared['paths']} paths differ from two stages"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
