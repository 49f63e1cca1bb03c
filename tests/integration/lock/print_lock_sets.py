"""Prints what `optbuild lock` makes of requirements as people have them, as a table in Markdown: seconds with an empty
and with a full cache, and each constraint that was given up, with the reason. `make lock-sets` runs it; it needs the
official constraints. Names of sets as arguments: only those."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from lock_sets import CONSTRAINTS, NAMES, VARIABLE, LockedSet, find_constraints_file, lock_set

_HEAD = ("set", "Airflow", "empty cache", "full cache", "distributions", "built from source", "constraints given up")


def _print_row(*cells: object) -> None:
    sys.stdout.write(f"| {' | '.join(map(str, cells))} |\n")
    sys.stdout.flush()


def _print_set(name: str, parent: Path) -> bool:
    """Whether both locks were made and are equal."""
    try:
        first, second = (lock_set(name, parent / number, parent / name / "cache") for number in ("1", "2"))
    except RuntimeError as error:
        _print_row(name, "", "", "", "", "", str(error).replace("\n", "<br>").replace("|", "\\|"))
        return False
    lock = first.lock
    sources = [one.name for one in lock.python if one.kind == "sdist"]
    times = (f"{one.seconds:.0f} s" for one in (first, second))
    _print_row(name, lock.inputs.airflow, *times, len(lock.python), ", ".join(sources) or "—", _describe(first))
    if second.lock != lock:
        sys.stderr.write(f"{name}: the second lock is another one\n")
    return second.lock == lock


def _describe(made: LockedSet) -> str:
    rows = [f"{one.name} {one.constrained} → {one.locked}: {one.forced_by}" for one in made.lock.given_up]
    rows += [line for line in made.said.splitlines() if line.startswith("warning: ")]
    return "<br>".join(rows) or "—"


def main() -> int:
    """0: every set was locked, twice to the same lock."""
    names = sys.argv[1:] or NAMES
    missing = sorted({file for file in map(find_constraints_file, names) if not file.is_file()})
    if missing:
        sys.stderr.write(
            f"{CONSTRAINTS} has no {', '.join(file.name for file in missing)}: download them from Airflow's branches "
            f"constraints-VERSION, and name their folder in {VARIABLE}\n"
        )
        return 2
    _print_row(*_HEAD)
    _print_row(*("---" for _ in _HEAD))
    with tempfile.TemporaryDirectory(prefix="optbuild-lock-sets-") as folder:
        made = [_print_set(name, Path(folder)) for name in names]
    return 0 if all(made) else 1


if __name__ == "__main__":
    sys.exit(main())
