"""What an image's layers add up to, in the shapes that every later look needs: files, folders, texts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from builder.inspect.hardlinks import settled
from builder.inspect.model import Kind
from builder.inspect.overlay import merge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.inspect.model import ImageContent
    from builder.inspect.overlay import Hidden, Merged, Placed

_MOST_STEPS = 100
"""Of a way through folders and links. Real ones take about ten; links that lead to themselves have no end."""


@dataclass(frozen=True)
class Scene:
    """One image, laid out once."""

    content: ImageContent = field(repr=False)
    merged: Merged = field(repr=False)
    files: Mapping[str, Placed] = field(repr=False)
    """Path → each regular file that a container sees. Bytes that several names share (hard links) are here once."""
    texts: Mapping[str, bytes] = field(repr=False)
    """Path → bytes, of those texts that a container sees."""
    _real_folders: dict[str, str] = field(default_factory=dict, repr=False)
    """Folder → where it lies, as far as asked."""

    @property
    def hidden(self) -> tuple[Hidden, ...]:
        """Files without any name that a container sees."""
        return self.merged.hidden

    @cached_property
    def folders(self) -> Mapping[str, list[Placed]]:
        """Folder → the files right in it. Most rules decide by the folder, and there are ten times fewer of those."""
        found: dict[str, list[Placed]] = defaultdict(list)
        for path, placed in self.files.items():
            found[path.rpartition("/")[0]].append(placed)
        return dict(found)

    @cached_property
    def hard_links(self) -> Mapping[str, list[str]]:
        """Visible file → its further visible names: its bytes stay as long as one of them does."""
        found: dict[str, list[str]] = defaultdict(list)
        hard_link, files = Kind.HARDLINK, self.files
        for path, placed in self.merged.visible.items():
            if placed.entry.kind is hard_link:
                first = files.get(placed.entry.link)
                if first is not None and first.layer == placed.layer:
                    found[placed.entry.link].append(path)
        return dict(found)

    def real(self, path: str) -> str:
        """``/bin/ls`` as ``/usr/bin/ls`` where ``/bin`` is a link; a link to the file itself stays one."""
        folder, _, name = path.rpartition("/")
        found = self._real_folders.get(folder)
        if found is None:
            found = self._real_folders[folder] = self._followed(folder)
        return f"{found}/{name}"

    def _followed(self, folder: str) -> str:
        """As the kernel walks; a folder that it cannot come to in so many steps stays as it is."""
        visible, symlink = self.merged.visible, Kind.SYMLINK
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


def scene_of(content: ImageContent) -> Scene:
    """Lay the layers over each other."""
    merged = settled(content.layers, merge(content.layers))
    files = {path: placed for path, placed in merged.visible.items() if placed.entry.kind is Kind.FILE}
    return Scene(content, merged, files, _texts(content, merged))


def _texts(content: ImageContent, merged: Merged) -> dict[str, bytes]:
    visible = merged.visible
    found = {}
    for number, layer in enumerate(content.layers):
        for path, text in layer.texts.items():
            placed = visible.get(path)
            if placed is not None and placed.layer == number:
                found[path] = text
    return found
