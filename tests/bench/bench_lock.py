"""How long the Python part of a lock takes against plain ``uv pip compile``: both passes against two such calls.

Run it with the project's interpreter: ``python tests/bench/bench_lock.py [CONSTRAINTS]``. It prints one line of JSON
and fails when the ratio is above 1.2. Everything is warm: the first call of each kind is not counted. Without a file of
constraints, the versions of the committed lock are what is preferred: a fresh clone has no other.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from builder.core.process import LocalRunner
from builder.image.lock.constraints import parse_constraints
from builder.image.lock.dependencies import list_root_requirements
from builder.image.lock.document import read_lock
from builder.image.lock.first_pass import VersionPreferences
from builder.image.lock.inputs import make_lock_inputs
from builder.image.lock.resolve import resolve_files, resolve_pins
from builder.image.lock.target import DEFAULT_PLATFORM, LockTarget, make_lock_target
from builder.image.lock.uv import Uv, find_uv
from builder.image.spec.reader import read_spec
from builder.image.spec.requirements import read_requirements

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "images/airflow"
LIMIT = 1.2
ROUNDS = 3


def plain(uv: Uv, target: LockTarget, lines: tuple[str, ...], folder: Path) -> None:
    """What a person would call: nothing preferred, no file written before."""
    (folder / "plain.in").write_text("".join(f"{line}\n" for line in lines))
    (folder / "plain.txt").unlink(missing_ok=True)
    platform = ("--python-version", target.python, "--python-platform", target.uv_platform)
    uv.check(
        ("pip", "compile", "--quiet", "--python", uv.interpreter, *platform, "plain.in", "-o", "plain.txt"), folder
    )


def passes(uv: Uv, target: LockTarget, lines: tuple[str, ...], preferences: VersionPreferences, folder: Path) -> None:
    resolve_files(uv, target, resolve_pins(uv, target, lines, preferences, folder), folder)


def seconds(call: Callable[[], None]) -> float:
    started = time.monotonic()
    call()
    return time.monotonic() - started


def read_preferences(constraints: Path | None) -> VersionPreferences:
    if constraints is None:
        return VersionPreferences({one.name: one.version for one in read_lock(IMAGE / "optbuild.lock").python})
    return VersionPreferences(parse_constraints(constraints.read_bytes(), "", str(constraints)).pins)


def measure(preferences: VersionPreferences) -> dict[str, float]:
    """Median seconds; the two kinds alternate, so that a busy machine hits both."""
    spec = read_spec(IMAGE)
    inputs = make_lock_inputs(spec, read_requirements(spec))
    lines = list_root_requirements(inputs)
    target = make_lock_target(inputs, DEFAULT_PLATFORM, None)
    uv = find_uv(LocalRunner(), dict(os.environ), sys.executable)
    with tempfile.TemporaryDirectory() as name:
        kinds = (
            lambda: plain(uv, target, lines, Path(name)),
            lambda: passes(uv, target, lines, preferences, Path(name)),
        )
        times = [[seconds(kind) for kind in kinds] for _ in range(ROUNDS + 1)][1:]
    one, both = (statistics.median(column) for column in zip(*times, strict=True))
    return {"plain_seconds": round(one, 2), "passes_seconds": round(both, 2), "ratio": round(both / (2 * one), 2)}


if __name__ == "__main__":
    found = measure(read_preferences(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
    sys.stdout.write(json.dumps(found) + "\n")
    sys.exit(0 if found["ratio"] <= LIMIT else 1)
