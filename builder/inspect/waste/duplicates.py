"""OB412: the same content at several paths."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from builder.inspect.model import Waste
from builder.inspect.packages.installed_packages import INSTALLERS
from builder.inspect.waste.context import by_layer, counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.inspect.waste.context import Ledger, Look

FLOOR = 64 * 1024
"""Bytes. Below it lie licences, empty modules, time zones: nobody can do anything about those."""
_FIX = "keep one and let the other be a link (`ln -s`), or copy it only once"
_INSTALLED = "install it once: one `pip install`, one virtual environment, one folder on PYTHONPATH"


def copies(look: Look, ledger: Ledger) -> Iterator[Waste]:
    """A distribution that is installed twice, then single large files that no package needs where they lie."""
    yield from _installed(look, ledger)
    yield from _loose(look, ledger)


def _installed(look: Look, ledger: Ledger) -> Iterator[Waste]:
    """File by file: only what is equal in both is there for nothing. The copy of the lower layer is the first one."""
    places: dict[str, list[int]] = defaultdict(list)
    for index, one in enumerate(look.packages.distributions, len(look.packages.debian)):
        places[one.name].append(index)
    for name, indexes in sorted(places.items()):
        if len(indexes) < 2 or name in INSTALLERS:  # a virtual environment brings its own
            continue
        paths = [path for index in indexes for path in look.packages.files.get(index, ())]
        files = ledger.take_all(path for group in _equal(look, paths) for path in group[1:])
        folders = sorted({look.packages.packages[index].folder for index in indexes})
        for layer, part in by_layer(files):
            told = f"{name} is installed {len(indexes)} times ({', '.join(folders)}), {counted(part)} of it equal"
            yield Waste("OB412", told, look.with_caches(_INSTALLED, part), part, layer)


def _loose(look: Look, ledger: Ledger) -> Iterator[Waste]:
    owners = look.packages.ownership.owners
    large = [path for path, placed in look.scene.files.items() if placed.entry.size >= FLOOR]
    wasted: dict[str, str] = {}
    for first, *others in _equal(look, large):
        wasted |= {path: first for path in others if path not in owners}
    for layer, part in by_layer(ledger.take_all(wasted)):
        pairs = listed(f"{file.path} is {wasted[file.path]}" for file in part)
        yield Waste(
            "OB412",
            f"{counted(part)} stored once more under another path: {pairs}",
            look.with_caches(_FIX, part),
            part,
            layer,
        )


def _equal(look: Look, paths: list[str]) -> Iterator[list[str]]:
    """Paths of one content; the one that stays comes first: owned, in the lowest layer, with the shortest path."""
    owners = look.packages.ownership.owners
    files = look.scene.files
    groups: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        groups[files[path].entry.digest].append(path)
    groups.pop("", None)  # files without bytes
    for group in groups.values():
        if len(group) > 1:
            yield sorted(group, key=lambda path: (path not in owners, look.layer_of(path), len(path), path))
