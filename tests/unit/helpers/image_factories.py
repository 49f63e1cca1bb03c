"""Images of a few files as values, without an archive: what tests of a comparison or a report start from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.engine.layers import compute_chain_ids
from builder.inspect.filesystem import build_filesystem
from builder.inspect.model import (
    EntryKind,
    FolderSize,
    ImageContent,
    Inspection,
    LayerContent,
    LayerEntry,
    LayerSummary,
    Package,
    PackageKey,
    Waste,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from builder.inspect.overlay import LayeredEntry

PYTHON_FOLDER = "/home/airflow/.local/lib/python3.11/site-packages"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def file(path: str, size: int = 10, *, text: str | None = None, mode: int = 0o644, uid: int = 0) -> LayerEntry:
    """A regular file; ``text`` stands for its bytes, so equal texts are equal files."""
    return LayerEntry(path, EntryKind.FILE, size, mode, uid, 0, "", sha256(f"{text or path}/{size}") if size else "")


@dataclass(frozen=True)
class Owned:
    """A package that owns everything below ``prefix``."""

    kind: str
    name: str
    version: str
    prefix: str
    architecture: str = ""
    requires: tuple[str, ...] = ()
    asked_for: bool = False

    @property
    def key(self) -> PackageKey:
        return PackageKey("debian" if self.kind == "debian" else "python", self.name)


@dataclass
class Image:
    """``layers``: instruction and entries, oldest first."""

    layers: Sequence[tuple[str, Sequence[LayerEntry]]]
    packages: Sequence[Owned] = ()
    waste: Sequence[Waste] = ()
    references: tuple[str, ...] = ("shop:latest",)
    stamps: Mapping[int, str] = field(default_factory=dict)
    """Layer → a text that makes its tar another one, as times do."""
    texts: Mapping[str, bytes] = field(default_factory=dict)
    """Of the topmost layer."""
    labels: Mapping[str, str] = field(default_factory=dict)
    created: float | None = 1_700_000_000.0

    def content(self) -> ImageContent:
        contents = tuple(self._layer(number) for number in range(len(self.layers)))
        chains = compute_chain_ids([layer.diff for layer in contents])
        identity = sha256("".join(chains) + repr(sorted(self.labels.items())))
        words = tuple(instruction for instruction, _ in self.layers)
        return ImageContent(
            f"sha256:{identity}", self.references, "linux/amd64", self.created, self.labels, contents, chains, words
        )

    def _layer(self, number: int) -> LayerContent:
        entries = tuple(self.layers[number][1])
        texts = self.texts if number == len(self.layers) - 1 else {}
        diff = f"sha256:{sha256(repr(entries) + self.stamps.get(number, ''))}"
        return LayerContent(diff, 1024 + sum(entry.size for entry in entries), entries, texts)

    def inspected(self) -> Inspection:
        content = self.content()
        seen = build_filesystem(content).files
        owners = {path: one.key for path in seen for one in self.packages if path.startswith(f"{one.prefix}/")}
        nobody = FolderSize(
            "/",
            sum(placed.entry.size for path, placed in seen.items() if path not in owners),
            len(seen.keys() - owners.keys()),
        )
        return Inspection(
            content=content,
            bytes=sum(layer.bytes for layer in content.layers),
            visible_bytes=sum(placed.entry.size for placed in seen.values()),
            layers=tuple(_summary(content, number) for number in range(len(content.layers))),
            packages=tuple(_package(one, seen, owners) for one in self.packages),
            owners=owners,
            folders=(FolderSize("/", sum(placed.entry.size for placed in seen.values()), len(seen)),),
            unowned=nobody,
            unowned_folders=(),
            waste=tuple(self.waste),
        )


def _summary(content: ImageContent, number: int) -> LayerSummary:
    layer = content.layers[number]
    files = sum(entry.kind is EntryKind.FILE for entry in layer.entries)
    instruction = content.instructions[number]
    return LayerSummary(
        layer.diff, content.chains[number], instruction, layer.bytes, layer.tar_bytes, files, 0, from_base=False
    )


def _package(one: Owned, seen: Mapping[str, LayeredEntry], owners: Mapping[str, PackageKey]) -> Package:
    sizes = [seen[path].entry.size for path, key in owners.items() if key == one.key]
    folder = one.prefix.rpartition("/")[0] if one.kind == "python" else ""
    return Package(
        one.key, one.version, sum(sizes), len(sizes), 0, one.architecture, folder, one.requires, one.asked_for
    )
