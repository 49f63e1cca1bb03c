"""Making the base: our base.sh (both root file systems of a context) against one mmdebstrap of the same packages."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bases import make_baseline_base
from bench import OURS

if TYPE_CHECKING:
    from bench import Bench

PART, BUDGET = "base", 240.0
ONE = "mmdebstrap"


def run(bench: Bench) -> None:
    bench.repeat(PART, (ONE, OURS), BUDGET, lambda subject: measure(bench, subject))


def measure(bench: Bench, subject: str) -> dict[str, Any]:
    folder = bench.session.folder / "one-base"
    folder.mkdir()
    try:
        if subject == OURS:
            return asdict(bench.session.group.measure(lambda: bench.ours.make_base(folder)))
        lock = bench.ours.lock
        return asdict(bench.session.group.measure(lambda: make_baseline_base(lock, folder, builder=False)))
    finally:
        shutil.rmtree(folder)
