"""OB414: packages that nobody asked for. What another one needs is not waste, but worth a look."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from builder.core.phrases import format_short_list
from builder.inspect.model import Waste
from builder.inspect.packages.installed_packages import INSTALLERS
from builder.inspect.waste.context import format_count, group_by_layer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from builder.inspect.model import Package
    from builder.inspect.waste.context import WasteContext, WasteLedger

_LONGEST = 8
"""Steps of a way that are all shown."""
FLOOR = 1_000_000
"""Bytes below which a needed one is not reported."""


def find_auto_installed(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """Only where it is known what was asked for."""
    yield from _find_python_packages(context, ledger)
    yield from _find_debian_packages(context, ledger)


def _find_python_packages(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    if not context.packages.roots_known:
        return
    candidates = [
        (one, index)
        for one, index in _iterate_candidates(context, len(context.packages.debian), len(context.packages.packages))
        if one.key.name not in INSTALLERS
    ]
    reach = context.packages.reach
    yield from _find_orphans([pair for pair in candidates if pair[0].key.name not in reach.before], context, ledger)
    needed = [one for one, _ in candidates if one.key.name in reach.before and one.bytes >= FLOOR]
    if needed:
        largest = max(needed, key=lambda one: (one.bytes, one.key.name))
        yield _make_note(largest, reach.find_path(largest.key.name), "from the requirements")


def _iterate_candidates(context: WasteContext, start: int, end: int) -> Iterator[tuple[Package, int]]:
    for index, one in enumerate(context.packages.packages[start:end], start):
        if not one.asked_for and one.layer >= context.filesystem.content.base_layers:
            yield one, index


def _find_orphans(found: list[tuple[Package, int]], context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    owners, packages = context.packages.ownership.owners, context.packages.packages
    files = [file for _, index in found for file in ledger.take_all(context.packages.files.get(index, ()))]
    for layer, part in group_by_layer(files):
        names = list(dict.fromkeys(packages[owners[file.path]].key.name for file in part))
        told = (
            f"{format_count(names, 'distribution')} that nobody asked for and nothing needs: "
            f"{format_short_list(names, most=5)}"
        )
        fix = context.extend_fix("uninstall them, or remove the line that installs them", part)
        yield Waste("OB414", told, fix, part, layer)


def _find_debian_packages(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """The same of what apt was asked for; packages that count as compilers are reported already."""
    packages = context.packages.packages[: len(context.packages.debian)]
    roots = sorted(one.key.name for one in packages if one.asked_for)
    before = find_requirers({one.key.name: one.requires for one in packages}, roots)
    needed = [
        one
        for one, index in _iterate_candidates(context, 0, len(packages))
        if one.bytes >= FLOOR
        and one.key.name in before
        and not ledger.has_waste_in(context.packages.files.get(index, ()))
    ]
    if needed:
        largest = max(needed, key=lambda one: (one.bytes, one.key.name))
        yield _make_note(largest, _find_path(before, largest.key.name), "from what apt installs")


def find_requirers(needs: Mapping[str, Iterable[str]], roots: Iterable[str]) -> dict[str, str]:
    """Everything that ``roots`` bring → who brings it, on the shortest way; empty for a root."""
    before = dict.fromkeys(roots, "")
    todo = deque(before)
    while todo:
        name = todo.popleft()
        for one in needs.get(name, ()):
            if one not in before:
                before[one] = name
                todo.append(one)
    return before


def _find_path(before: Mapping[str, str], name: str) -> tuple[str, ...]:
    found = []
    while name:
        found.append(name)
        name = before[name]
    return tuple(reversed(found))


def _make_note(one: Package, way: tuple[str, ...], removed_from: str) -> Waste:
    """Without files: its bytes can only be removed together with what needs it."""
    kind = "Python" if one.key.kind == "python" else "Debian"
    told = f"{one.key.name} {one.version} is the largest {kind} package that nobody asked for ({one.bytes:,} bytes)"
    told += f": {' -> '.join(way if len(way) <= _LONGEST else (*way[:3], '...', *way[-3:]))}"
    fix = f"if nothing of yours uses what needs it, remove {way[0]} {removed_from}"
    return Waste("OB414", told, fix, (), one.layer)
