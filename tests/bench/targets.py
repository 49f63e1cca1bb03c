"""The table: one line per target, out of a run's results alone; what was not measured says so and has no figure."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from measurement import Figure, summarize

if TYPE_CHECKING:
    from results import Results

SIX = ("seaborn", "psycopg2-binary", "matplotlib", "scikit-learn", "pandas", "numpy-patch")
"""The bumps of the main image's six pins, numpy's to its patch."""
SIX_OTHER = (*SIX[:5], "numpy")
"""numpy's to another series: what is new in that alone is more than the limit of the worst (another OpenBLAS)."""
BUILDS = 10
"""So many must give one image ID."""
Values = Callable[["Results"], tuple[float, ...]]


@dataclass(frozen=True)
class Target:
    """``ours / other <= limit``; without ``other`` it is our own figure that is limited. ``part`` measures it."""

    what: str
    part: str
    unit: str
    ours: Values
    limit: float
    other: Values | None = None


@dataclass(frozen=True)
class Line:
    """One line of the table. ``value`` is what the limit is about: a ratio, or our own figure."""

    what: str
    unit: str
    ours: Figure | None
    other: Figure | None
    value: float | None
    limit: float
    reason: str = ""
    """Why there is no value."""

    @property
    def holds(self) -> bool | None:
        return None if self.value is None else self.value <= self.limit


def make_lines(results: Results, targets: tuple[Target, ...]) -> tuple[Line, ...]:
    return tuple(_make_line(results, one) for one in targets)


def _make_line(results: Results, target: Target) -> Line:
    ours = _summarize(target.ours(results))
    other = _summarize(target.other(results)) if target.other else None
    value = None
    if ours is not None:
        value = ours.median if target.other is None else ours.divide(other) if other is not None else None
    reason = (
        "" if value is not None else results.facts.get("reasons", {}).get(target.part, f"part {target.part} not run")
    )
    return Line(target.what, target.unit, ours, other, value, target.limit, reason)


def _summarize(values: tuple[float, ...]) -> Figure | None:
    return summarize(values) if values else None


def _of(part: str, subject: str, figure: str) -> Values:
    return lambda results: results.list_values(part, subject, figure)


def _over(six: tuple[str, ...], figure: str, choose: Callable[[list[float]], float]) -> Values:
    """One figure out of the bumps' ones; nothing while one of them is missing."""

    def values(results: Results) -> tuple[float, ...]:
        found = [value for name in six for value in results.list_values("transfer", name, figure)]
        return (choose(found),) if len(found) == len(six) else ()

    return values


def _count_same(results: Results) -> tuple[float, ...]:
    """How many of the builds gave another ID than the first one."""
    found = [
        record["figures"]["id"]
        for key, record in sorted(results.records.items())
        if key.startswith(("cold/ours/", "same-id/ours/")) and "id" in record["figures"]
    ]
    return (float(sum(one != found[0] for one in found)),) if len(found) >= BUILDS else ()


def make_main_targets() -> tuple[Target, ...]:
    """Those of the main image, in the order of the issue."""
    whole, unpacked = _of("cold", "ours", "compressed"), _of("cold", "ours", "unpacked")
    cold, cold_cpu = _of("cold", "ours", "wall"), _of("cold", "ours", "cpu")
    bump = _of("cold", "ours", "bump_wall")
    return (
        Target("unpacked, against (a)", "cold", "B", unpacked, 0.445, _of("cold", "a", "unpacked")),
        Target("unpacked, against (b)", "cold", "B", unpacked, 0.745, _of("cold", "b", "unpacked")),
        Target("unpacked, against (c)", "cold", "B", unpacked, 0.99, _of("cold", "c", "unpacked")),
        Target(
            "unpacked, every switch of [slim], against (c)",
            "slim",
            "B",
            _of("slim", "ours", "unpacked"),
            0.91,
            _of("cold", "c", "unpacked"),
        ),
        Target("compressed (gzip), against (c)", "cold", "B", whole, 0.99, _of("cold", "c", "compressed")),
        Target("zstd-10, against its own gzip", "zstd", "B", _of("zstd", "ours", "compressed"), 0.76, whole),
        Target("cold build, base given, CPU, against (c)", "cold", "s", cold_cpu, 1.15, _of("cold", "c", "cpu")),
        Target("cold build, base given, wall, against (c)", "cold", "s", cold, 1.05, _of("cold", "c", "wall")),
        Target("cold build, base given, wall, against (a)", "cold", "s", cold, 0.40, _of("cold", "a", "wall")),
        Target(
            "making the base, CPU, against one mmdebstrap",
            "base",
            "s",
            _of("base", "ours", "cpu"),
            1.2,
            _of("base", "mmdebstrap", "cpu"),
        ),
        Target("three services, wall, against (d)", "services", "s", cold, 0.40, _of("services", "d", "wall")),
        Target("three services, wall, against (e)", "services", "s", cold, 0.15, _of("services", "e", "wall")),
        Target("seaborn bump, wall, against its own cold build", "cold", "s", bump, 0.08, cold),
        Target("seaborn bump, wall, against (c)'s bump", "cold", "s", bump, 0.20, _of("cold", "c", "bump_wall")),
        Target("pushed, of the whole: seaborn", "transfer", "B", _of("transfer", "seaborn", "pushed"), 0.004, whole),
        *_make_pin_targets(SIX, ""),
        *_make_pin_targets(SIX_OTHER, ", numpy to another series"),
        Target("pushed: numpy's patch", "transfer", "B", _of("transfer", "numpy-patch", "pushed"), 0.035, whole),
        Target("pushed: Airflow 2.8.1 to 2.8.4", "transfer", "B", _of("transfer", "airflow", "pushed"), 0.08, whole),
        Target(
            "`airflow version`, CPU, against (a)",
            "version",
            "s",
            _of("version", "ours", "cpu"),
            0.88,
            _of("version", "a", "cpu"),
        ),
        Target(
            "healthy webserver and scheduler, wall, against (a)",
            "healthy",
            "s",
            _of("healthy", "ours", "wall"),
            1.05,
            _of("healthy", "a", "wall"),
        ),
        Target("nothing changed: build calls", "unchanged", "calls", _of("unchanged", "ours", "builds"), 0),
        Target("nothing changed: wall", "unchanged", "s", _of("unchanged", "ours", "wall"), 0.6),
        Target("ten builds, other IDs than the first one's", "same-id", "IDs", _count_same, 0),
        Target("pushed after an identical rebuild", "transfer", "B", _of("transfer", "identical", "pushed"), 0),
        Target(
            "second project: pushed beyond what the first one lacks",
            "second",
            "B",
            _of("second", "ours", "unexpected"),
            0,
        ),
    )


def _make_pin_targets(six: tuple[str, ...], note: str) -> tuple[Target, ...]:
    """What the bumps of six pins move. ``note`` ends each line's text."""
    whole = _of("cold", "ours", "compressed")
    lines = (
        ("pushed: median of the six pins", _over(six, "pushed", statistics.median), 0.045),
        ("pushed: the worst of the six pins", _over(six, "pushed", max), 0.065),
        ("pulled on overlay2: mean of the six pins", _over(six, "pulled", statistics.mean), 0.10),
    )
    return tuple(Target(f"{what}{note}", "transfer", "B", ours, limit, whole) for what, ours, limit in lines)


def make_lock_targets() -> tuple[Target, ...]:
    """Those of any other lock: bytes, CPU seconds of a cold build, one bump. Limits are the main image's."""
    whole, unpacked = _of("cold", "ours", "compressed"), _of("cold", "ours", "unpacked")
    return (
        Target("unpacked, against (c)", "cold", "B", unpacked, 0.99, _of("cold", "c", "unpacked")),
        Target("compressed (gzip), against (c)", "cold", "B", whole, 0.99, _of("cold", "c", "compressed")),
        Target(
            "cold build, base given, CPU, against (c)",
            "cold",
            "s",
            _of("cold", "ours", "cpu"),
            1.15,
            _of("cold", "c", "cpu"),
        ),
        Target(
            "one bump, CPU, against (c)'s bump",
            "cold",
            "s",
            _of("cold", "ours", "bump_cpu"),
            0.20,
            _of("cold", "c", "bump_cpu"),
        ),
        Target("pushed, of the whole: one bump", "transfer", "B", _of("transfer", "bump", "pushed"), 0.045, whole),
        Target("pulled on overlay2: one bump", "transfer", "B", _of("transfer", "bump", "pulled"), 0.10, whole),
    )
