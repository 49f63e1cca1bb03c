"""Limits for an image, and whether it keeps them: ``[budget]`` of an optbuild.toml, and the rules of dive's CI mode."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.core.phrases import format_exact_bytes
from builder.inspect.model import BudgetResult
from builder.inspect.packages.distributions import normalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.inspect.model import Inspection

HIDDEN = frozenset({"OB401", "OB402", "OB403", "OB404"})
"""Waste between layers, which is the only kind that dive knows."""


@dataclass(frozen=True)
class BudgetLimits:
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


def check_limits(found: Inspection, limits: BudgetLimits) -> tuple[BudgetResult, ...]:
    """One verdict for each limit."""
    return tuple(_iterate_budget_checks(found, limits))


def _iterate_budget_checks(found: Inspection, limits: BudgetLimits) -> Iterator[BudgetResult]:
    if limits.image_bytes is not None:
        yield _check_maximum("budget.image-bytes", found.bytes, limits.image_bytes, "unpacked")
    if limits.waste_bytes is not None:
        yield _check_maximum("budget.waste-bytes", found.waste_bytes, limits.waste_bytes, "of waste")
    if limits.waste_percent is not None:
        yield _check_percentage(
            "budget.waste-percent", found.waste_bytes, found.bytes, limits.waste_percent, "of the image"
        )
    sizes: dict[str, int] = {}
    for one in found.packages:
        sizes[one.key.name] = sizes.get(one.key.name, 0) + one.bytes
    for name, limit in limits.package_bytes.items():
        actual = sizes.get(name, sizes.get(normalize_name(name)))
        if actual is not None:
            yield _check_maximum(f"budget.package-bytes.{name}", actual, limit, f"of {name}")


def find_unknown_packages(found: Inspection, limits: BudgetLimits) -> Iterator[str]:
    """A note for each package with a limit that the image does not have: perhaps it is misspelt."""
    names = {one.key.name for one in found.packages}
    for name in limits.package_bytes:
        if name not in names and normalize_name(name) not in names:
            near = difflib.get_close_matches(normalize_name(name), sorted(names), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield f"budget.package-bytes.{name}: the image has no package of that name{hint}"


def check_dive_limits(found: Inspection, limits: DiveLimits) -> tuple[BudgetResult, ...]:
    """dive knows no other waste than files that later layers hide; its formula counts the needed copy too, ours not."""
    return tuple(_iterate_dive_checks(found, limits))


def _iterate_dive_checks(found: Inspection, limits: DiveLimits) -> Iterator[BudgetResult]:
    files = [file for one in found.waste if one.code in HIDDEN for file in one.files]
    hidden = sum(file.bytes for file in files)
    if limits.efficiency is not None:
        efficiency = 1 - hidden / found.bytes if found.bytes else 1.0
        text = (
            f"{efficiency:.4f}, at least {limits.efficiency:g} is required ({format_exact_bytes(hidden)} hidden "
            "between layers)"
        )
        passed = efficiency >= limits.efficiency
        yield BudgetResult(f"{limits.file} lowestEfficiency", passed, efficiency, limits.efficiency, text, "ratio")
    if limits.wasted_bytes is not None:
        yield _check_maximum(f"{limits.file} highestWastedBytes", hidden, limits.wasted_bytes, "hidden between layers")
    if limits.user_wasted is not None:
        name = f"{limits.file} highestUserWastedPercent"
        own = sum(layer.bytes for layer in found.layers if not layer.from_base)
        hidden_own = sum(file.bytes for file in files if not found.layers[file.layer].from_base)
        yield _check_percentage(name, hidden_own, own, 100 * limits.user_wasted, "of the layers above the base")


def _check_maximum(name: str, actual: int, limit: int, what: str) -> BudgetResult:
    over = f": {format_exact_bytes(actual - limit)} too much" if actual > limit else ""
    text = f"{format_exact_bytes(actual)} {what}, at most {format_exact_bytes(limit)} allowed{over}"
    return BudgetResult(name, actual <= limit, actual, limit, text)


def _check_percentage(name: str, part: int, whole: int, limit: float, of: str) -> BudgetResult:
    percent = 100 * part / whole if whole else 0.0
    text = f"{percent:.2f} % {of} is waste ({format_exact_bytes(part)}), at most {limit:g} % allowed"
    return BudgetResult(name, percent <= limit, percent, limit, text, "percent")
