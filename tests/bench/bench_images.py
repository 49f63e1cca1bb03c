"""How long `optbuild images` takes as a whole process with 500 images more on the engine; they are removed afterwards.

Run it with the project's interpreter: ``python tests/bench/bench_images.py``. It prints one line of JSON and fails when
the median takes more than 4 times as long as :mod:`reference_start`, or 6 times with no layer known. The images are
FROM scratch: one layer that all share, one that ten share, one of their own.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from reference_start import make_environment, measure_process, measure_start
from tiny_images import TEST_LABEL, Tiny, load, own_value, removed_afterwards

from builder.engine.client import connect_engine

MANY = 500
MOST_STARTS, MOST_STARTS_COLD = 4.0, 6.0
ROUNDS = 5
OPTBUILD = (sys.executable, "-c", "from builder.cli.main import main; main()")


def many(value: str) -> list[Tiny]:
    label = {TEST_LABEL: value}
    return [
        Tiny((f"optbuild-bench-{value}:{number}",), ("base", f"part {number // 10}", f"own {number}"), label)
        for number in range(MANY)
    ]


def look(home: Path) -> float:
    """Seconds of one process."""
    return measure_process((*OPTBUILD, "images"), home, make_environment(home / "bytecode", home / "cache"))


def look_anew(home: Path) -> float:
    """The same with no layer known."""
    shutil.rmtree(home / "cache", ignore_errors=True)
    return look(home)


def measure() -> dict[str, float]:
    """Medians of seconds, and of multiples of a reference start in the same round: ``cold`` with no layer known, then
    ``warm``."""
    value = own_value()
    with connect_engine(os.environ) as engine, removed_afterwards(engine, value), tempfile.TemporaryDirectory() as name:
        home = Path(name)
        look(home)  # Python's bytecode
        measure_start(home / "bytecode")
        load(engine, many(value))
        rounds = [(measure_start(home / "bytecode"), look_anew(home), look(home)) for _ in range(ROUNDS)]
        count = len(engine.client.api.images())
    found = {
        "start_seconds": statistics.median(start for start, _, _ in rounds),
        "cold_seconds": statistics.median(cold for _, cold, _ in rounds),
        "cold_starts": statistics.median(cold / start for start, cold, _ in rounds),
        "warm_seconds": statistics.median(warm for _, _, warm in rounds),
        "warm_starts": statistics.median(warm / start for start, _, warm in rounds),
    }
    return {"images": count, **{key: round(value, 3) for key, value in found.items()}}


if __name__ == "__main__":
    found = measure()
    sys.stdout.write(json.dumps(found) + "\n")
    sys.exit(0 if found["cold_starts"] <= MOST_STARTS_COLD and found["warm_starts"] <= MOST_STARTS else 1)
