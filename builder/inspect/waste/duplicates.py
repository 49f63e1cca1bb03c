"""OB412: the same content at several paths."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from builder.core.phrases import format_short_list
from builder.inspect.model import Waste
from builder.inspect.packages.installed_packages import INSTALLERS
from builder.inspect.waste.context import format_count, group_by_layer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.inspect.waste.context import WasteContext, WasteLedger

FLOOR = 64 * 1024
"""Bytes. Smaller files are licences, empty modules, time zones: nobody can do anything about those."""
_FIX = "keep one and make the other a link (`ln -s`), or copy it only once"
_INSTALLED = "install it once: one `pip install`, one virtual environment, one folder on PYTHONPATH"


def find_duplicate_content(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """A distribution that is installed twice, then single large files that no package needs where they are."""
    yield from _find_duplicate_packages(context, ledger)
    yield from _find_loose_duplicates(context, ledger)


def _find_duplicate_packages(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """File by file: only what is equal in both is there for nothing. The copy of the lower layer is the first one."""
    places: dict[str, list[int]] = defaultdict(list)
    for index, one in enumerate(context.packages.distributions, len(context.packages.debian)):
        places[one.name].append(index)
    for name, indexes in sorted(places.items()):
        if len(indexes) < 2 or name in INSTALLERS:  # a virtual environment brings its own
            continue
        paths = [path for index in indexes for path in context.packages.files.get(index, ())]
        groups = _iterate_equal_files(context, ledger, paths)
        files = ledger.take_all(path for group in groups for path in group[1:])
        folders = sorted({context.packages.packages[index].folder for index in indexes})
        for layer, part in group_by_layer(files):
            told = f"{name} is installed {len(indexes)} times ({', '.join(folders)}), {format_count(part)} of it equal"
            yield Waste("OB412", told, context.extend_fix(_INSTALLED, part), part, layer)


def _find_loose_duplicates(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    owners = context.packages.ownership.owners
    large = [path for path, placed in context.filesystem.files.items() if placed.entry.size >= FLOOR]
    wasted: dict[str, str] = {}
    for first, *others in _iterate_equal_files(context, ledger, large):
        wasted |= {path: first for path in others if path not in owners}
    for layer, part in group_by_layer(ledger.take_all(wasted)):
        pairs = format_short_list(f"{file.path} is {wasted[file.path]}" for file in part)
        yield Waste(
            "OB412",
            f"{format_count(part)} stored once more under another path: {pairs}",
            context.extend_fix(_FIX, part),
            part,
            layer,
        )


def _iterate_equal_files(context: WasteContext, ledger: WasteLedger, paths: list[str]) -> Iterator[list[str]]:
    """Paths of one content; the one that stays comes first: owned, in the lowest layer, with the shortest path.

    What is waste already goes anyway, and does not make another copy superfluous.
    """
    owners = context.packages.ownership.owners
    files = context.filesystem.files
    groups: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        groups[files[path].entry.digest].append(path)
    groups.pop("", None)  # files without bytes
    for group in groups.values():
        staying = [path for path in group if not ledger.has_waste_in((path,))] if len(group) > 1 else ()
        if len(staying) > 1:
            yield sorted(staying, key=lambda path: (path not in owners, context.find_layer(path), len(path), path))
