"""The seed project's image on what stands in for apache/airflow:2.8.1: its own Dockerfile, two stages, one stage.

Run it with the project's interpreter and the folder of the stand-ins' modules on PYTHONPATH; ``make bench`` does. It
prints one line of JSON per way: bytes added to the base, those of them that ``optbuild inspect`` calls waste, seconds
of the build. It fails when our two stages add more than 330 MB without bytecode, or more than 10 MB of waste.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from base_cells import ROOT, Cell, remove_images, run_cell, weigh
from baseline import INDEX, RUN
from stand_ins import AIRFLOW_281, ensure_stand_in

from builder.engine.secrets import find_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

SEED = ROOT / "tests/fixtures/seed/Dockerfile.airflow"
OWN_IMAGE = "optbuild-matrix-own"
ADDED_LIMIT = 330_000_000
WASTE_LIMIT = 10_000_000


def write_own_dockerfile(seed: str, base: str) -> str:
    """The seed's own lines on ``base``; each RUN gets this machine's package index and certificates, which its pip
    reads as the user airflow."""
    mounts = RUN.replace("type=secret,", "type=secret,mode=0444,")
    lines = [f"{mounts} . /index.sh && {line[4:]}" if line.startswith("RUN ") else line for line in seed.splitlines()]
    return "".join(f"FROM {base}\n" if line.startswith("FROM ") else f"{line}\n" for line in lines)


def build_own(folder: Path) -> dict[str, Any]:
    """The figures of the seed's own Dockerfile. Raises RuntimeError with what the build said."""
    base = ensure_stand_in(AIRFLOW_281)
    (folder / "Dockerfile").write_text(write_own_dockerfile(SEED.read_text(encoding="utf-8"), base))
    (folder / "index.sh").write_text(INDEX)
    (folder / "index.sh").chmod(0o644)
    secrets = find_secrets(os.environ)
    started = time.monotonic()
    argv = ("docker", "buildx", "build", "--no-cache", "--load", *secrets.make_argv(), "--tag", OWN_IMAGE, str(folder))
    env = {**os.environ, **secrets.make_environment()}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        raise RuntimeError(f"the build of {SEED.name} failed with {done.returncode}:\n{done.stderr[-3000:]}")
    seconds = round(time.monotonic() - started, 1)
    return {"seconds": {"build": seconds}, **weigh(OWN_IMAGE, AIRFLOW_281)}


def find_excess(ways: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What is above its limit, and which way failed."""
    if failed := [f"{way}: {figures['failed']}" for way, figures in ways.items() if "failed" in figures]:
        return failed
    two = ways["two stages"]
    plain = two["added"] - two["bytecode"]
    wrong = [f"{plain / 1e6:.0f} MB added without bytecode, at most {ADDED_LIMIT / 1e6:.0f}"] * (plain > ADDED_LIMIT)
    return wrong + [f"{two['waste'] / 1e6:.1f} MB of waste, at most {WASTE_LIMIT / 1e6:.0f}"] * (
        two["waste"] > WASTE_LIMIT
    )


def measure() -> dict[str, dict[str, Any]]:
    """Each way's figures; a result is printed as soon as it is there."""
    cells = {"two stages": Cell("airflow", "two", "2.8.1"), "one stage": Cell("airflow", "one", "2.8.1")}
    ways: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="optbuild-matrix-") as name:
        folder = Path(name)
        for way in ("its own Dockerfile", *cells):
            (folder / way).mkdir()
            try:
                built = run_cell(cells[way], folder / way, prove=False) if way in cells else build_own(folder / way)
            except RuntimeError as error:
                built = {"failed": str(error)}
            ways[way] = built
            sys.stdout.write(json.dumps({"way": way, **ways[way]}) + "\n")
            sys.stdout.flush()
    return ways


def main() -> int:
    try:
        wrong = find_excess(measure())
    finally:
        for image in (OWN_IMAGE, Cell("airflow", "two", "2.8.1").image, Cell("airflow", "one", "2.8.1").image):
            remove_images(image)
    for text in wrong:
        sys.stderr.write(f"{text}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
