"""What an image's layers add up to, in the shapes that every later look needs: files, folders, texts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from builder.inspect.hardlinks import resolve_hard_links
from builder.inspect.model import EntryKind
from builder.inspect.overlay import merge_layers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.inspect.model import ImageContent
    from builder.inspect.overlay import LayeredEntry, MergedFilesystem, ShadowedFile

_MOST_STEPS = 100
"""Of a way through folders and links. Real ones take about ten; links that lead to themselves have no end."""


@dataclass(frozen=True)
class ImageFilesystem:
    """One image, laid out once."""

    content: ImageContent = field(repr=False)
    merged: MergedFilesystem = field(repr=False)
    files: Mapping[str, LayeredEntry] = field(repr=False)
    """Path → each regular file that a container sees. Bytes that several names share (hard links) are here once."""
    texts: Mapping[str, bytes] = field(repr=False)
    """Path → bytes, of those texts that a container sees."""
    _real_folders: dict[str, str] = field(default_factory=dict, repr=False)
    """Folder → where it really is, as far as asked."""

    @property
    def hidden(self) -> tuple[ShadowedFile, ...]:
        """Files without any name that a container sees."""
        return self.merged.hidden

    @cached_property
    def folders(self) -> Mapping[str, list[LayeredEntry]]:
        """Folder → the files right in it. Most rules decide by the folder, and there are ten times fewer of those."""
        found: dict[str, list[LayeredEntry]] = defaultdict(list)
        for path, placed in self.files.items():
            found[path.rpartition("/")[0]].append(placed)
        return dict(found)

    @cached_property
    def hard_links(self) -> Mapping[str, list[str]]:
        """Visible file → its further visible names: its bytes stay as long as one of them does."""
        found: dict[str, list[str]] = defaultdict(list)
        hard_link, files = EntryKind.HARDLINK, self.files
        for path, placed in self.merged.visible.items():
            if placed.entry.kind is hard_link:
                first = files.get(placed.entry.link)
                if first is not None and first.layer == placed.layer:
                    found[placed.entry.link].append(path)
        return dict(found)

    def resolve_links(self, path: str) -> str:
        """``/bin/ls`` as ``/usr/bin/ls`` where ``/bin`` is a link; a link to the file itself stays one."""
        folder, _, name = path.rpartition("/")
        found = self._real_folders.get(folder)
        if found is None:
            found = self._real_folders[folder] = self._follow_links(folder)
        return f"{found}/{name}"

    def _follow_links(self, folder: str) -> str:
        """As the kernel walks; a folder that it cannot come to in so many steps stays as it is."""
        visible, symlink = self.merged.visible, EntryKind.SYMLINK
        here, ahead = "", folder.split("/")[::-1]
        for _ in range(_MOST_STEPS):
            if not ahead:
                return here
            part = ahead.pop()
            if part == "..":
                here = here.rpartition("/")[0]
            elif part not in {"", "."}:
                there = visible.get(f"{here}/{part}")
                if there is None or there.entry.kind is not symlink:
                    here = f"{here}/{part}"
                    continue
                link = there.entry.link
                here = "" if link.startswith("/") else here
                ahead += link.split("/")[::-1]
        return folder


def build_filesystem(content: ImageContent) -> ImageFilesystem:
    """Lay the layers over each other."""
    merged = resolve_hard_links(content.layers, merge_layers(content.layers))
    files = {path: placed for path, placed in merged.visible.items() if placed.entry.kind is EntryKind.FILE}
    return ImageFilesystem(content, merged, files, _collect_texts(content, merged))


def _collect_texts(content: ImageContent, merged: MergedFilesystem) -> dict[str, bytes]:
    visible = merged.visible
    found = {}
    for number, layer in enumerate(content.layers):
        for path, text in layer.texts.items():
            placed = visible.get(path)
            if placed is not None and placed.layer == number:
                found[path] = text
    return found
