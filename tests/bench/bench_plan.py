"""How long `optbuild plan` takes as a whole process, against the `docker compose config` calls that it makes.

Run it with the project's interpreter: ``python tests/bench/bench_plan.py``. It prints one line of JSON. Compose is
asked in pairs of calls, run at the same time: one about the files as they are, one about the edit. It fails when the
plan of the seed project takes more than 0.30 s longer than these two pairs, when a project of 1,000 services takes 5 s,
or when 12 compose files beside the seed's, each read with it before and after the edit, cost more than 12 pairs do
one after the other.
Both kinds alternate, so that a busy machine hits both; everything is warm, but for what Compose said of the 12 files:
``beside_pairs`` is with nothing of it kept, ``beside_pairs_kept`` with all. Python keeps its bytecode in a folder of
this run: an installed program has it, whatever this shell says about writing it.
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

ROOT = Path(__file__).parents[2]
SEED = ROOT / "tests/fixtures/seed"
OPTBUILD = (sys.executable, "-c", "from builder.cli.main import main; main()")
CONFIG = ("docker", "compose", "--profile", "*", "config", "--format", "json")
LIMIT_SECONDS = 0.30
MANY_SECONDS = 5.0
MANY = 1000
BESIDE = 12
CACHE = "cache"
ROUNDS = 9


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
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env["PYTHONPYCACHEPREFIX"] = str(folder.parent / "bytecode")
    env["XDG_CACHE_HOME"] = str(folder.parent / CACHE)
    nowhere = subprocess.DEVNULL
    started = time.perf_counter()
    subprocess.run((*OPTBUILD, "plan"), cwd=folder, env=env, stdout=nowhere, stderr=nowhere, check=True)
    return time.perf_counter() - started


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
    """Medians of seconds, and of multiples of a pair of calls; ``more`` is the median of the differences."""
    with tempfile.TemporaryDirectory() as name:
        seed, many, beside = Path(name, "seed"), Path(name, "many"), Path(name, "beside")
        for folder in (seed, beside):
            shutil.copytree(SEED, folder)
        files_beside(beside)
        many.mkdir()
        many_services(many)
        times = [
            (
                calls(seed),
                calls(seed),
                plan(seed),
                *plan_beside(beside),
                sum(calls(seed) for _ in range(BESIDE)) / BESIDE,
            )
            for _ in range(ROUNDS + 1)
        ][1:]
        whole = statistics.median(plan(many) for _ in range(3))
    found = {
        "config_seconds": statistics.median(one for one, *_ in times),
        "plan_seconds": statistics.median(planned for _, _, planned, *_ in times),
        "more_seconds": statistics.median(planned - one - two for one, two, planned, *_ in times),
        "many_seconds": whole,
        "beside_pairs": statistics.median((new - planned) / pair for _, _, planned, new, _, pair in times),
        "beside_pairs_kept": statistics.median((kept - planned) / pair for _, _, planned, _, kept, pair in times),
    }
    return {key: round(value, 3) for key, value in found.items()}


def is_fast(found: dict[str, float]) -> bool:
    quick = found["more_seconds"] <= LIMIT_SECONDS and found["many_seconds"] < MANY_SECONDS
    return quick and found["beside_pairs"] <= BESIDE


if __name__ == "__main__":
    os.environ.pop("COMPOSE_FILE", None)
    found = measure()
    sys.stdout.write(json.dumps(found) + "\n")
    sys.exit(0 if is_fast(found) else 1)
