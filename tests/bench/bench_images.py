"""How long `optbuild images` takes as a whole process with 500 images more on the engine; they are removed afterwards.

Run it with the project's interpreter: ``python tests/bench/bench_images.py``. It prints one line of JSON and fails when
the median takes 2 s, also with an empty cache of layers. The images are FROM scratch: one layer that all share, one
that ten share, one of their own.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tiny_images import TEST_LABEL, Tiny, load, own_value, removed_afterwards

from builder.engine.client import connect_engine

MANY = 500
LIMIT_SECONDS = 2.0
ROUNDS = 5
ROUNDS_COLD = 3
OPTBUILD = (sys.executable, "-c", "from builder.cli.main import main; main()")


def many(value: str) -> list[Tiny]:
    label = {TEST_LABEL: value}
    return [
        Tiny((f"optbuild-bench-{value}:{number}",), ("base", f"part {number // 10}", f"own {number}"), label)
        for number in range(MANY)
    ]


def look(home: Path) -> float:
    """Seconds of one process."""
    env = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env |= {"PYTHONPYCACHEPREFIX": str(home / "bytecode"), "XDG_CACHE_HOME": str(home / "cache")}
    started = time.perf_counter()
    subprocess.run((*OPTBUILD, "images"), cwd=home, env=env, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def look_anew(home: Path) -> float:
    """The same with no layer known."""
    shutil.rmtree(home / "cache", ignore_errors=True)
    return look(home)


def measure() -> dict[str, float]:
    """Seconds: ``cold`` the best with no layer known, ``warm`` the median of the looks after it."""
    value = own_value()
    with connect_engine(os.environ) as engine, removed_afterwards(engine, value), tempfile.TemporaryDirectory() as name:
        look(Path(name))  # Python's bytecode
        load(engine, many(value))
        cold = min(look_anew(Path(name)) for _ in range(ROUNDS_COLD))  # the machine may be busy with something else
        warm = statistics.median(look(Path(name)) for _ in range(ROUNDS))
        count = len(engine.client.api.images())
    return {"images": count, "cold_seconds": round(cold, 3), "warm_seconds": round(warm, 3)}


if __name__ == "__main__":
    found = measure()
    sys.stdout.write(json.dumps(found) + "\n")
    sys.exit(0 if max(found["cold_seconds"], found["warm_seconds"]) < LIMIT_SECONDS else 1)
