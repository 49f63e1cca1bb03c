"""Limits for an image, and whether it keeps them: ``[budget]`` of an optbuild.toml, and the rules of dive's CI mode."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.inspect.model import Verdict
from builder.inspect.packages.distributions import normal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.inspect.model import Inspection

HIDDEN = frozenset({"OB401", "OB402", "OB403", "OB404"})
"""Waste between layers, which is the only kind that dive knows."""


@dataclass(frozen=True)
class Limits:
    """``[budget]``; None: no limit."""

    image_bytes: int | None = None
    waste_bytes: int | None = None
    waste_percent: float | None = None
    package_bytes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class DiveLimits:
    """The rules of a ``.dive-ci``; None: disabled. ``efficiency`` and ``user_wasted`` are ratios from 0 to 1."""

    file: str
    efficiency: float | None
    wasted_bytes: int | None
    user_wasted: float | None


def judge(found: Inspection, limits: Limits) -> tuple[Verdict, ...]:
    """One verdict for each limit."""
    return tuple(_judged(found, limits))


def _judged(found: Inspection, limits: Limits) -> Iterator[Verdict]:
    if limits.image_bytes is not None:
        yield _most("budget.image-bytes", found.bytes, limits.image_bytes, "unpacked")
    if limits.waste_bytes is not None:
        yield _most("budget.waste-bytes", found.waste_bytes, limits.waste_bytes, "of waste")
    if limits.waste_percent is not None:
        yield _share("budget.waste-percent", found.waste_bytes, found.bytes, limits.waste_percent, "of the image")
    sizes: dict[str, int] = {}
    for one in found.packages:
        sizes[one.key.name] = sizes.get(one.key.name, 0) + one.bytes
    for name, limit in limits.package_bytes.items():
        actual = sizes.get(name, sizes.get(normal(name)))
        if actual is not None:
            yield _most(f"budget.package-bytes.{name}", actual, limit, f"of {name}")


def strangers(found: Inspection, limits: Limits) -> Iterator[str]:
    """A note for each package with a limit that the image does not have: perhaps it is misspelt."""
    names = {one.key.name for one in found.packages}
    for name in limits.package_bytes:
        if name not in names and normal(name) not in names:
            near = difflib.get_close_matches(normal(name), sorted(names), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield f"budget.package-bytes.{name}: the image has no package of that name{hint}"


def judge_dive(found: Inspection, limits: DiveLimits) -> tuple[Verdict, ...]:
    """dive knows no other waste than files that later layers hide; its formula counts the needed copy too, ours not."""
    return tuple(_judged_dive(found, limits))


def _judged_dive(found: Inspection, limits: DiveLimits) -> Iterator[Verdict]:
    files = [file for one in found.waste if one.code in HIDDEN for file in one.files]
    hidden = sum(file.bytes for file in files)
    if limits.efficiency is not None:
        efficiency = 1 - hidden / found.bytes if found.bytes else 1.0
        text = (
            f"{efficiency:.4f}, at least {limits.efficiency:g} is asked for ({_figure(hidden)} hidden between layers)"
        )
        passed = efficiency >= limits.efficiency
        yield Verdict(f"{limits.file} lowestEfficiency", passed, efficiency, limits.efficiency, text, "ratio")
    if limits.wasted_bytes is not None:
        yield _most(f"{limits.file} highestWastedBytes", hidden, limits.wasted_bytes, "hidden between layers")
    if limits.user_wasted is not None:
        name = f"{limits.file} highestUserWastedPercent"
        own = sum(layer.bytes for layer in found.layers if not layer.from_base)
        hidden_own = sum(file.bytes for file in files if not found.layers[file.layer].from_base)
        yield _share(name, hidden_own, own, 100 * limits.user_wasted, "of the layers above the base")


def _most(name: str, actual: int, limit: int, what: str) -> Verdict:
    over = f": {_figure(actual - limit)} too much" if actual > limit else ""
    text = f"{_figure(actual)} {what}, at most {_figure(limit)} allowed{over}"
    return Verdict(name, actual <= limit, actual, limit, text)


def _share(name: str, part: int, whole: int, limit: float, of: str) -> Verdict:
    percent = 100 * part / whole if whole else 0.0
    text = f"{percent:.2f} % {of} is waste ({_figure(part)}), at most {limit:g} % allowed"
    return Verdict(name, percent <= limit, percent, limit, text, "percent")


def _figure(count: int) -> str:
    return f"{count:,} bytes" if count < 1_000_000 else f"{count:,} bytes ({count / 1e6:,.1f} MB)"
