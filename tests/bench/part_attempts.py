"""Each baseline's variants, once and cold: bytes and CPU seconds. The best of each letter is what we must beat."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from baseline import choose_best, make_baselines

if TYPE_CHECKING:
    from baseline import Baseline
    from bench import Bench

PART = "attempts"


def run(bench: Bench) -> None:
    """Kept over changes of our own tree: no attempt depends on it. The hardest baseline first, if a run is stopped."""
    for one in reversed(make_baselines()):
        key = f"{PART}/{one.name}/0"
        found = bench.results.record(key, bench.baselines, lambda chosen=one: measure(bench, chosen))  # type: ignore[misc]  # mypy: lambda with default
        bench.say(f"{key}: {found}")
    bench.results.facts["best"] = {letter: find_best(bench, letter) for letter in "abc"}
    bench.results.save()
    bench.say(f"best attempts: {bench.results.facts['best']}")


def find_best(bench: Bench, letter: str) -> str:
    records = {one.name: bench.results.records[f"{PART}/{one.name}/0"]["figures"] for one in make_baselines()}
    return choose_best({name: (one["unpacked"], one["cpu"]) for name, one in records.items() if name[0] == letter})


def measure(bench: Bench, one: Baseline) -> dict[str, Any]:
    bench.make_cold(one.name)
    cost = bench.session.group.measure(lambda: bench.build_cold(one.name))
    return {**asdict(cost), "unpacked": bench.session.engine.measure_unpacked(one.name), "says": one.says}
