"""How long `optbuild plan` takes as a whole process, against the `docker compose config` calls that it makes.

Run it with the project's interpreter: ``python tests/bench/bench_plan.py``. It prints one line of JSON. Compose is
asked in pairs of calls, run at the same time: one about the files as they are, one about the edit. It fails when the
plan of the seed project takes longer than these two pairs by more than 2.5 starts (:mod:`reference_start`), when a
project of 1,000 services takes 15 starts, or when 12 compose files beside the seed's, each read with it before and
after the edit, cost more than 12 pairs, one after the other, and a start. All kinds alternate, so that a busy machine
hits each; everything is warm, but for what Compose said of the 12 files: ``beside_pairs`` is with nothing of it kept,
``beside_pairs_kept`` with all.
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
from typing import TYPE_CHECKING, NamedTuple

from reference_start import make_environment, measure_process, measure_start

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).parents[2]
SEED = ROOT / "tests/fixtures/seed"
OPTBUILD = (sys.executable, "-c", "from builder.cli.main import main; main()")
CONFIG = ("docker", "compose", "--profile", "*", "config", "--format", "json")
MOST_STARTS, MOST_STARTS_OF_MANY = 2.5, 15.0
MANY = 1000
BESIDE = 12
CACHE = "cache"
ROUNDS = 9


class Round(NamedTuple):
    """Seconds of each kind; ``beside``: with nothing kept, and with all."""

    start: float
    pair: float
    planned: float
    many: float
    beside: tuple[float, float]


def calls(folder: Path) -> float:
    """Both config calls at once, as processes and nothing else. Each in a session of its own, as optbuild starts them:
    Linux shares a busy machine out by sessions, and a new one waits for its turn."""
    nowhere = subprocess.DEVNULL
    started = time.perf_counter()
    both = [
        subprocess.Popen((*CONFIG, *more), cwd=folder, stdout=nowhere, stderr=nowhere, start_new_session=True)
        for more in ((), ("--no-interpolate",))
    ]
    for one in both:
        one.wait()
    return time.perf_counter() - started


def plan(folder: Path) -> float:
    env = make_environment(folder.parent / "bytecode", folder.parent / CACHE)
    return measure_process((*OPTBUILD, "--quiet", "plan"), folder, env)


def many_services(folder: Path) -> None:
    """Every other service builds by itself, the rest by a shared anchor."""
    own = "  airflow-{0}:\n    build: {{context: .}}\n    command: scheduler\n"
    shared = "  airflow-{0}:\n    <<: *common\n    command: webserver\n"
    services = "".join((own if number % 2 else shared).format(number) for number in range(MANY))
    (folder / "compose.yaml").write_text(f"x-common: &common\n  build: {{context: .}}\nservices:\n{services}")
    (folder / "Dockerfile").write_text("FROM apache/airflow:2.8.1\nRUN pip install pandas\n")


def files_beside(folder: Path) -> None:
    """Overrides of which each names a service of the edit."""
    for number in range(BESIDE):
        text = f"services:\n  airflow-scheduler:\n    environment: {{PLACE: place{number}}}\n"
        (folder / f"compose.env{number}.yaml").write_text(text)


def plan_beside(folder: Path) -> tuple[float, float]:
    """With nothing kept of earlier answers, and with all."""
    shutil.rmtree(folder.parent / CACHE, ignore_errors=True)
    return plan(folder), plan(folder)


def measure() -> dict[str, float]:
    """Medians of seconds, of multiples of a start and of a pair of calls; ``more`` is what is not Compose's."""
    with tempfile.TemporaryDirectory() as name:
        seed, many, beside = Path(name, "seed"), Path(name, "many"), Path(name, "beside")
        for folder in (seed, beside):
            shutil.copytree(SEED, folder)
        files_beside(beside)
        many.mkdir()
        many_services(many)
        times = [
            Round(
                start=measure_start(Path(name, "bytecode")),
                pair=sum(calls(seed) for _ in range(BESIDE)) / BESIDE,
                planned=plan(seed),
                many=plan(many),
                beside=plan_beside(beside),
            )
            for _ in range(ROUNDS + 1)
        ][1:]
    figures: Mapping[str, Callable[[Round], float]] = {
        "start_seconds": lambda one: one.start,
        "config_seconds": lambda one: one.pair,
        "plan_seconds": lambda one: one.planned,
        "more_starts": lambda one: (one.planned - 2 * one.pair) / one.start,
        "many_seconds": lambda one: one.many,
        "many_starts": lambda one: one.many / one.start,
        "beside_pairs": lambda one: (one.beside[0] - one.planned) / one.pair,
        "beside_pairs_kept": lambda one: (one.beside[1] - one.planned) / one.pair,
        "beside_more_starts": lambda one: (one.beside[0] - one.planned - BESIDE * one.pair) / one.start,
    }
    return {key: round(statistics.median(map(figure, times)), 3) for key, figure in figures.items()}


def is_fast(found: dict[str, float]) -> bool:
    quick = found["more_starts"] <= MOST_STARTS and found["many_starts"] <= MOST_STARTS_OF_MANY
    return quick and found["beside_more_starts"] <= 1


if __name__ == "__main__":
    os.environ.pop("COMPOSE_FILE", None)
    found = measure()
    sys.stdout.write(json.dumps(found) + "\n")
    sys.exit(0 if is_fast(found) else 1)
