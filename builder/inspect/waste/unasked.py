"""OB414: distributions that nobody asked for. What another one needs is no waste, but worth a look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.inspect.model import Waste
from builder.inspect.packages import INSTALLERS
from builder.inspect.waste.look import by_layer, counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.inspect.model import Package
    from builder.inspect.waste.look import Ledger, Look

_LONGEST = 8
"""Steps of a way that are all shown."""
FLOOR = 1_000_000
"""Bytes of a needed one below which nobody wants to hear of it."""


def unasked(look: Look, ledger: Ledger) -> Iterator[Waste]:
    """Only where it is known what was asked for."""
    if not look.packages.roots_known:
        return
    first = len(look.packages.debian)
    candidates = [
        (one, index)
        for index, one in enumerate(look.packages.packages[first:], first)
        if not one.asked_for and one.key.name not in INSTALLERS and one.layer >= look.scene.content.base_layers
    ]
    brought = look.packages.reach.before
    yield from _orphans([pair for pair in candidates if pair[0].key.name not in brought], look, ledger)
    needed = [one for one, _ in candidates if one.key.name in brought and one.bytes >= FLOOR]
    if needed:
        yield _largest(max(needed, key=lambda one: (one.bytes, one.key.name)), look)


def _orphans(found: list[tuple[Package, int]], look: Look, ledger: Ledger) -> Iterator[Waste]:
    files = [file for _, index in found for file in ledger.take_all(look.packages.files.get(index, ()))]
    names = [one.key.name for one, _ in sorted(found, key=lambda pair: -pair[0].bytes)]
    for layer, part in by_layer(files):
        told = f"{counted(names, 'distribution')} that nobody asked for and nothing needs: {listed(names, most=5)}"
        yield Waste("OB414", told, "uninstall them, or take out the line that installs them", part, layer)


def _largest(one: Package, look: Look) -> Waste:
    """Without files: its bytes go only when what needs it goes."""
    way = look.packages.reach.way(one.key.name)
    told = f"{one.key.name} {one.version} is the largest package that nobody asked for ({one.bytes:,} bytes)"
    told += f": {' -> '.join(way if len(way) <= _LONGEST else (*way[:3], '...', *way[-3:]))}"
    fix = f"if nothing of yours uses what needs it, take {way[0]} out of the requirements"
    return Waste("OB414", told, fix, (), one.layer)
