"""Sets of requirements as people have them, locked by the command with Airflow's official constraints."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builder.core.process import LocalRunner
from builder.image.lock.constraints import parse_constraints
from builder.image.lock.dependencies import list_root_requirements
from builder.image.lock.document import read_lock
from builder.image.lock.first_pass import VersionPreferences
from builder.image.lock.inputs import make_lock_inputs
from builder.image.lock.resolve import resolve_pins
from builder.image.lock.target import LockTarget
from builder.image.lock.uv import find_uv
from builder.image.spec.reader import read_spec
from builder.image.spec.requirements import read_requirements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.image.lock.model import Lock

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "tests" / "fixtures" / "lock_sets"
VARIABLE = "OPTBUILD_CONSTRAINTS"
CONSTRAINTS = Path(os.environ.get(VARIABLE) or ROOT.parent / "shared" / "constraints")
"""Where the official files lie, as ``airflow-VERSION-pyPYTHON.txt``."""
OF_ANOTHER = {"constraints-of-another": "2.10.3"}
"""The set that is given the file of another Airflow."""
PLATFORMS = {"torch": "linux/arm64"}
"""On PyPI, torch for the CPU alone is the one for ARM; that for x86 brings 3 GB of CUDA."""
GIVEN_UP: dict[str, dict[str, str | None]] = {
    "constraints-of-another": {"colorlog": "4.8.0"},
    "dbt-1.7": {"pathspec": "0.11.2", "urllib3": "1.26.20"},
    "dbt-core-pinned": {
        "isodate": "0.6.1",
        "protobuf": None,
        **dict.fromkeys(
            f"opentelemetry-{part}"
            for part in (
                *("api", "exporter-otlp", "exporter-otlp-proto-common", "exporter-otlp-proto-grpc"),
                *("exporter-otlp-proto-http", "proto", "sdk", "semantic-conventions"),
            )
        ),
    },
    "dbt-three-adapters": {"isodate": "0.6.1"},
    "pandas-sklearn-xgboost": {"pandas": "2.2.3"},
    "pip-compile": {
        "greenlet": "3.5.6",
        "numpy": "1.26.4",
        "psycopg2-binary": "2.9.13",
        "python-dateutil": "2.9.0.post0",
        "pytz": "2026.6",
        "six": "1.17.0",
        "sqlalchemy": "1.4.54",
        "tzdata": "2026.6",
    },
    "poetry-export": {
        "certifi": "2026.10.19.post1",
        "charset-normalizer": "3.5.3",
        "idna": "3.20",
        "pytz": "2026.6",
        "requests": "2.34.2",
        "six": "1.17.0",
        "tzdata": "2026.6",
        "urllib3": "2.8.0",
    },
    "spark": {"pyspark": "3.5.1"},
    "uv-export": {
        "annotated-types": "0.8.0",
        "anyio": "4.16.0",
        "certifi": "2026.10.19.post1",
        "duckdb": "2.0.1",
        "httpx": "0.28.1",
        "idna": "3.20",
        "pydantic": "2.14.4",
        "pydantic-core": "2.50.5",
        "typing-extensions": "4.16.0",
        "typing-inspection": "0.4.5",
    },
}
"""Set → the constraints that the requirements exclude, each with what is locked instead: none more is given up. None
stands for whatever is the newest one. A set that is not named keeps all."""
NAMES = tuple(sorted(path.name for path in FOLDER.iterdir()))


@dataclass(frozen=True)
class LockedSet:
    """``seconds`` of wall time; ``said`` is what the command wrote to stderr."""

    lock: Lock
    seconds: float
    said: str


def find_constraints_file(name: str) -> Path:
    """The official file for a set, or the one that it is given instead. Whether it is there is the caller's to ask."""
    spec = read_spec(FOLDER / name)
    version = OF_ANOTHER.get(name, spec.airflow.version)
    return CONSTRAINTS / f"airflow-{version}-py{spec.python.version}.txt"


def resolve_set(name: str, folder: Path, cache: Path) -> tuple[dict[str, str], VersionPreferences]:
    """The pins of a set alone, and what was preferred; ``cache`` is uv's. Nothing is downloaded but metadata."""
    spec = read_spec(FOLDER / name)
    lines = list_root_requirements(make_lock_inputs(spec, read_requirements(spec)))
    file = find_constraints_file(name)
    preferences = VersionPreferences(parse_constraints(file.read_bytes(), "", str(file)).pins)
    return resolve_lines(lines, preferences, folder, cache), preferences


def resolve_lines(lines: Sequence[str], preferences: VersionPreferences, folder: Path, cache: Path) -> dict[str, str]:
    uv = find_uv(LocalRunner(), {**os.environ, "UV_CACHE_DIR": str(cache)}, sys.executable)
    folder.mkdir(parents=True, exist_ok=True)
    return resolve_pins(uv, LockTarget("3.11", "bookworm"), lines, preferences, folder)


def lock_set(name: str, parent: Path, cache: Path) -> LockedSet:
    """Lock a copy of the set below ``parent``. ``cache`` is that of optbuild and of uv."""
    folder = parent / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(FOLDER / name, folder)
    words = ("lock", str(folder), "--constraints", str(find_constraints_file(name)))
    platform = ("--platform", PLATFORMS.get(name, "linux/amd64"))
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", "from builder.cli.main import main; main()", *words, *platform],
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=1800,
    )
    seconds = time.monotonic() - started
    if done.returncode:
        raise RuntimeError(f"{name}: exit code {done.returncode}\n{done.stderr}")
    return LockedSet(read_lock(folder / "optbuild.lock"), seconds, done.stderr)
