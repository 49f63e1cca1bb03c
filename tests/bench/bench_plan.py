"""How long `optbuild plan` takes as a whole process, against the `docker compose config` calls that it makes.

Run it with the project's interpreter: ``python tests/bench/bench_plan.py``. It prints one line of JSON and fails when
the plan of the seed project takes more than 0.30 s longer than its two calls, run at the same time, or when a project
of 1,000 services takes 5 s. Both kinds alternate, so that a busy machine hits both; everything is warm. Python keeps
its bytecode in a folder of this run: an installed program has it, whatever this shell says about writing it.
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
ROUNDS = 9


def calls(folder: Path) -> float:
    """Both config calls at once, as processes and nothing else."""
    started = time.perf_counter()
    both = [
        subprocess.Popen((*CONFIG, *more), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for more in ((), ("--no-interpolate",))
    ]
    for one in both:
        one.wait()
    return time.perf_counter() - started


def plan(folder: Path) -> float:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env["PYTHONPYCACHEPREFIX"] = str(folder.parent / "bytecode")
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


def measure() -> dict[str, float]:
    """Medians of seconds; ``more`` is the median of the differences."""
    with tempfile.TemporaryDirectory() as name:
        seed, many = Path(name, "seed"), Path(name, "many")
        shutil.copytree(SEED, seed)
        many.mkdir()
        many_services(many)
        times = [(calls(seed), plan(seed)) for _ in range(ROUNDS + 1)][1:]
        whole = statistics.median(plan(many) for _ in range(3))
    config, planned = (statistics.median(column) for column in zip(*times, strict=True))
    more = statistics.median(one - other for other, one in times)
    rounded = {"config_seconds": config, "plan_seconds": planned, "more_seconds": more, "many_seconds": whole}
    return {key: round(value, 3) for key, value in rounded.items()}


if __name__ == "__main__":
    os.environ.pop("COMPOSE_FILE", None)
    found = measure()
    sys.stdout.write(json.dumps(found) + "\n")
    sys.exit(0 if found["more_seconds"] <= LIMIT_SECONDS and found["many_seconds"] < MANY_SECONDS else 1)
