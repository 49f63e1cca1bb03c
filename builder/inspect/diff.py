"""How two images differ: what grew and shrank by layer, package and file, and what became waste.

``before`` and ``after`` are the two images; growth is ``after`` minus ``before``, in unpacked bytes. The growth of all
layers is that of the image; the growth of all files is that of what a running container sees, and so is that of all
packages together with the files that belong to nobody.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from builder.inspect.filesystem import build_filesystem
from builder.inspect.match_layers import match_layers
from builder.inspect.model import EntryKind
from builder.inspect.packages.match_packages import match_packages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from builder.inspect.model import Inspection, LayerEntry, LayerSummary, Package, PackageKey
    from builder.inspect.overlay import LayeredEntry

_FILES = frozenset({EntryKind.FILE, EntryKind.HARDLINK, EntryKind.SYMLINK, EntryKind.OTHER})


class ChangeKind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    """Of a package: its version. Of a file: its content. Of a layer: its files."""
    METADATA = "metadata"
    """Of a file: mode or owner. Of a package: its version is the same, its files are not. Of a layer: it holds the
    same, and still is another one on disk, because one below it differs."""


@dataclass(frozen=True)
class ImageSummary:
    """One of the two images in a few figures."""

    id: str
    references: tuple[str, ...]
    platform: str
    bytes: int
    visible_bytes: int
    files: int
    """That a running container sees: regular files, further names of them, and links."""
    waste_bytes: int


@dataclass(frozen=True)
class LayerChange:
    """A layer that is not the same in both."""

    before: LayerSummary | None
    after: LayerSummary | None

    @property
    def change(self) -> ChangeKind:
        if self.before is None or self.after is None:
            return ChangeKind.ADDED if self.before is None else ChangeKind.REMOVED
        return ChangeKind.METADATA if self.before.diff == self.after.diff else ChangeKind.CHANGED

    @property
    def growth(self) -> int:
        return (self.after.bytes if self.after else 0) - (self.before.bytes if self.before else 0)


@dataclass(frozen=True)
class PackageChange:
    """A package that came, went, has another version, or other bytes."""

    key: PackageKey
    before: Package | None
    after: Package | None

    @property
    def change(self) -> ChangeKind:
        if self.before is None or self.after is None:
            return ChangeKind.ADDED if self.before is None else ChangeKind.REMOVED
        return ChangeKind.METADATA if self.before.version == self.after.version else ChangeKind.CHANGED

    @property
    def growth(self) -> int:
        return (self.after.bytes if self.after else 0) - (self.before.bytes if self.before else 0)


class FileChange(NamedTuple):
    """A path that is not the same in both; folders are not among them."""

    path: str
    change: ChangeKind
    before: LayerEntry | None
    after: LayerEntry | None
    owner: PackageKey | None
    """Whose it is now; of a removed file, whose it was."""

    @property
    def growth(self) -> int:
        return (self.after.size if self.after else 0) - (self.before.size if self.before else 0)

    @property
    def weight(self) -> int:
        """Bytes of the larger side: how much a person should care."""
        return max(self.after.size if self.after else 0, self.before.size if self.before else 0)


@dataclass(frozen=True)
class WasteChange:
    """Reclaimable bytes of one code; 0 on a side that has none of it."""

    code: str
    before: int
    after: int

    @property
    def growth(self) -> int:
        return self.after - self.before


@dataclass(frozen=True)
class ImageDiff:
    """Only what differs; each list has the largest growth or shrinkage first."""

    before: ImageSummary
    after: ImageSummary
    shared_layers: int
    """Lowest layers that both have: stored and pulled once."""
    shared_bytes: int
    layers: tuple[LayerChange, ...]
    """In the order of the images."""
    packages: tuple[PackageChange, ...]
    unowned: int
    """Growth of the files that belong to no package."""
    files: tuple[FileChange, ...] = field(repr=False)
    waste: tuple[WasteChange, ...] = ()
    base_layers: int = 0
    """Lowest layers that both have and that are the base's in both: none of their waste is told, but secrets."""
    base_name: str = ""

    @cached_property
    def growth(self) -> int:
        return self.after.bytes - self.before.bytes

    @cached_property
    def is_empty(self) -> bool:
        """Not a layer differs."""
        return not (self.layers or self.has_other_content)

    @cached_property
    def has_other_content(self) -> bool:
        """False too where layers were made again with the same files: times in a tar make it another layer."""
        grown = any(layer.growth for layer in self.layers)
        return bool(grown or self.packages or self.files or self.waste or self.unowned)

    @property
    def new_bytes(self) -> int:
        """What a machine that has the first image still has to get for the second."""
        return self.after.bytes - self.shared_bytes


def compare_images(before: Inspection, after: Inspection) -> ImageDiff:
    """Compare two images: of an image and itself the difference is empty; of ``(b, a)`` it mirrors that of ``(a, b)``.

    Their waste can only be compared where both have one base: :func:`builder.inspect.base.apply_common_base`.
    """
    old, new = _index_visible_files(before), _index_visible_files(after)
    pairs = match_layers(before.layers, after.layers)
    shared = [one for one, other in pairs if one is not None and other is not None and one.chain == other.chain]
    layers = tuple(LayerChange(one, other) for one, other in pairs if not _has_same_chain(one, other))
    return ImageDiff(
        before=_summarize_image(before, old),
        after=_summarize_image(after, new),
        shared_layers=len(shared),
        shared_bytes=sum(layer.bytes for layer in shared),
        layers=layers,
        packages=_compare_packages(before.packages, after.packages),
        unowned=after.unowned.bytes - before.unowned.bytes,
        files=_compare_files(before, after, old, new),
        waste=_compare_waste(before, after),
        base_layers=after.content.base_layers,
        base_name=after.content.base_name,
    )


def _has_same_chain(one: LayerSummary | None, other: LayerSummary | None) -> bool:
    return one is not None and other is not None and one.chain == other.chain


def _index_visible_files(inspection: Inspection) -> dict[str, LayeredEntry]:
    """Path → what a running container sees there, without folders: they have no bytes, and their files are compared."""
    visible = build_filesystem(inspection.content).merged.visible
    return {path: placed for path, placed in visible.items() if placed.entry.kind in _FILES}


def _summarize_image(inspection: Inspection, seen: Mapping[str, LayeredEntry]) -> ImageSummary:
    content = inspection.content
    return ImageSummary(
        id=content.id,
        references=content.references,
        platform=content.platform,
        bytes=inspection.bytes,
        visible_bytes=inspection.visible_bytes,
        files=len(seen),
        waste_bytes=inspection.waste_bytes,
    )


def _compare_packages(before: Sequence[Package], after: Sequence[Package]) -> tuple[PackageChange, ...]:
    changes = (
        PackageChange(key, one, other)
        for key, one, other in match_packages(before, after)
        if one is None or other is None or (one.version, one.bytes) != (other.version, other.bytes)
    )
    return tuple(sorted(changes, key=lambda change: (-abs(change.growth), change.key, _make_place_key(change))))


def _make_place_key(change: PackageChange) -> list[tuple[str, str]]:
    return sorted((one.folder, one.architecture) for one in (change.before, change.after) if one is not None)


def _compare_files(
    before: Inspection, after: Inspection, old: Mapping[str, LayeredEntry], new: Mapping[str, LayeredEntry]
) -> tuple[FileChange, ...]:
    """Largest growth or shrinkage first, then by the bytes concerned."""
    changes = []
    for path in {*old, *new}:
        one, other = old.get(path), new.get(path)
        change = _classify_change(one, other, old, new)
        if change is not None:
            owners = before.owners if other is None else after.owners
            changes.append(
                FileChange(path, change, one.entry if one else None, other.entry if other else None, owners.get(path))
            )
    return tuple(sorted(changes, key=lambda change: (-abs(change.growth), -change.weight, change.path)))


def _classify_change(
    one: LayeredEntry | None,
    other: LayeredEntry | None,
    old: Mapping[str, LayeredEntry],
    new: Mapping[str, LayeredEntry],
) -> ChangeKind | None:
    """None: the same file in both, or in neither."""
    if one is None or other is None:
        if one is other:
            return None
        return ChangeKind.ADDED if one is None else ChangeKind.REMOVED
    if one.entry == other.entry and one.entry.kind is not EntryKind.HARDLINK:
        return None  # nearly all of them, so they are told apart first
    if _identify_content(one, old) != _identify_content(other, new):
        return ChangeKind.CHANGED
    before, after = one.entry, other.entry
    same = (before.size, before.mode, before.uid, before.gid) == (after.size, after.mode, after.uid, after.gid)
    return None if same else ChangeKind.METADATA


def _identify_content(placed: LayeredEntry, visible: Mapping[str, LayeredEntry]) -> tuple[str, str, int]:
    """What a reader of the path gets. A further name is its file: which of the names comes first in a tar is chance."""
    entry = placed.entry
    if entry.kind is EntryKind.HARDLINK:
        target = visible.get(entry.link)
        if target is None or target.entry.kind is not EntryKind.FILE or target.layer != placed.layer:
            return (EntryKind.HARDLINK, entry.link, 0)
        entry = target.entry
    if entry.kind is EntryKind.FILE:
        return (EntryKind.FILE, entry.digest, entry.size)
    return (entry.kind, entry.link, 0)


def _compare_waste(before: Inspection, after: Inspection) -> tuple[WasteChange, ...]:
    old, new = _sum_waste_by_code(before), _sum_waste_by_code(after)
    changes = (WasteChange(code, old.get(code, 0), new.get(code, 0)) for code in {*old, *new})
    return tuple(sorted((one for one in changes if one.growth), key=lambda one: (-abs(one.growth), one.code)))


def _sum_waste_by_code(inspection: Inspection) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for waste in inspection.waste:
        found[waste.code] += waste.bytes
    return found
