"""Building again: nothing changed, and the same image ID with other caches, folders, umasks and processors."""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import OURS
from our_build import OPTBUILD, count_build_calls
from session import run_command
from targets import BUILDS

if TYPE_CHECKING:
    from bench import Bench

UNCHANGED, SAME = "unchanged", "same-id"
LOOKS = 7
UMASKS = (0o022, 0o077, 0o002)


def run_unchanged(bench: Bench) -> None:
    bench.record(UNCHANGED, OURS, 0, lambda: measure_unchanged(bench))


def measure_unchanged(bench: Bench) -> dict[str, Any]:
    """Docker's build calls, and the median seconds of the whole process, for an image that was proven before.

    On the machine's engine, as `make image` leaves it: the run's own stands beside it, and that firewall lets no
    container reach another there, so nothing can be proven on that.
    """
    argv = (*OPTBUILD, "--quiet", "build", str(bench.ours.source), "--format", "json")
    env = bench.ours.make_environment(home=Path.home())
    del env["DOCKER_HOST"]
    env |= {name: value for name, value in os.environ.items() if name == "DOCKER_HOST"}
    run_command((*argv, "--verify"), env)
    with bench.ours.count_builds() as calls:
        run_command(argv, {**env, "PATH": os.environ["PATH"]})
        builds = count_build_calls(calls.read_text())
    seconds = []
    for _ in range(LOOKS):
        started = time.monotonic()
        run_command(argv, env)
        seconds.append(time.monotonic() - started)
    return {"builds": builds, "wall": round(statistics.median(seconds), 3), "least": round(min(seconds), 3)}


def run_same_id(bench: Bench) -> None:
    """As many builds as the cold rounds, which are compared too, are short of ten."""
    cold = [record["figures"]["id"] for key, record in bench.results.records.items() if key.startswith(f"cold/{OURS}/")]
    for number in range(max(1, BUILDS - len(cold))):
        bench.record(SAME, OURS, number, lambda chosen=number: measure_same_id(bench, chosen))  # type: ignore[misc]  # mypy: lambda with default


def measure_same_id(bench: Bench, number: int) -> dict[str, Any]:
    """One build with nothing in any cache, in a folder, with a umask and a number of processors of its own."""
    bench.make_cold(OURS)
    processors = 1 if number % 2 else len(os.sched_getaffinity(0))
    umask = UMASKS[number % len(UMASKS)]
    bench.session.engine.use_processors(processors)
    try:
        result = bench.ours.build(bench.ours.copy(f"folder-{number}"), umask=umask)
    finally:
        bench.session.engine.use_processors(len(os.sched_getaffinity(0)))
    return {"id": result["image_id"], "processors": processors, "umask": f"{umask:03o}"}
