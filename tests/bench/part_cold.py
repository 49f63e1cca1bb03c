"""Cold builds, the base given: (a), (b), (c) and ours, each from an empty engine; then, warm, a bump of one pin.

Their bytes too: unpacked, and compressed as a registry takes them in; the base is counted on every side.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bench import OURS
from session import write_baseline

from builder.image.lock.document import read_lock

if TYPE_CHECKING:
    from bench import Bench
    from control_group import Cost

PART, BUDGET = "cold", 1080.0


def run(bench: Bench) -> None:
    if bench.first_bump:
        bench.bump(bench.first_bump)  # locked before anything is timed
    bench.repeat(PART, ("c", OURS, "b", "a"), BUDGET, lambda subject: measure(bench, subject))


def measure(bench: Bench, subject: str) -> dict[str, Any]:
    name = subject if subject == OURS else bench.choose_baseline(subject).name
    bench.make_cold(name)
    cost = bench.session.group.measure(lambda: bench.build_cold(name))
    found: dict[str, Any] = {**asdict(cost), "attempt": name}
    found["unpacked"] = bench.session.engine.measure_unpacked(name)
    found["id"] = bench.session.engine.find_image(name)
    if bench.first_bump and subject != "a":
        bumped = measure_bump(bench, name)
        found |= {"bump_cpu": bumped.cpu, "bump_wall": bumped.wall}
    if not bench.results.list_values(PART, subject, "compressed"):
        found["compressed"] = bench.session.push(name, f"whole-{name}", "1")
    return found


def measure_bump(bench: Bench, name: str) -> Cost:
    """The build after the first bump, everything else in the caches."""
    folder = bench.bump(bench.first_bump)
    if name == OURS:
        return bench.session.group.measure(lambda: bench.ours.build(folder))
    context = bench.session.folder / "baselines" / f"{name}-bumped"
    baseline = bench.choose_baseline(name[0])
    write_baseline(baseline, read_lock(folder / "optbuild.lock").python, bench.bases, context)
    return bench.session.group.measure(lambda: bench.session.build_baseline(context, f"{name}-bumped"))
