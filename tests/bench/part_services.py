"""Three services of (a): one ``docker compose build --no-cache``, and three builds that share nothing."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from session import THREE

if TYPE_CHECKING:
    from pathlib import Path

    from bench import Bench

PART, BUDGET = "services", 840.0
TOGETHER, APART = "d", "e"


def run(bench: Bench) -> None:
    bench.repeat(PART, (TOGETHER, APART), BUDGET, lambda subject: measure(bench, subject))


def measure(bench: Bench, subject: str) -> dict[str, Any]:
    baseline = bench.choose_baseline("a")
    bench.make_cold(baseline.name)
    folder = bench.write_baseline(baseline)
    if subject == TOGETHER:
        return asdict(bench.session.group.measure(lambda: bench.session.compose_build(folder)))
    return asdict(bench.session.group.measure(lambda: build_apart(bench, folder)))


def build_apart(bench: Bench, folder: Path) -> None:
    for service in THREE:
        bench.session.build_baseline(folder, service, no_cache=True)
