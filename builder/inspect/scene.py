"""What an image's layers add up to, in the shapes that every later look needs: files, folders, texts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from builder.inspect.merge import Placed, merge
from builder.inspect.model import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.inspect.merge import Hidden, Merged
    from builder.inspect.model import ImageContent


@dataclass(frozen=True)
class Scene:
    """One image, laid out once."""

    content: ImageContent = field(repr=False)
    merged: Merged = field(repr=False)
    files: Mapping[str, Placed] = field(repr=False)
    """Path → each regular file that a container sees. Bytes that several names share (hard links) are here once."""
    hidden: tuple[Hidden, ...] = field(repr=False)
    """Files without any name that a container sees."""
    texts: Mapping[str, bytes] = field(repr=False)
    """Path → bytes, of those texts that a container sees."""

    @cached_property
    def folders(self) -> Mapping[str, list[Placed]]:
        """Folder → the files right in it. Most rules decide by the folder, and there are ten times fewer of those."""
        found: dict[str, list[Placed]] = defaultdict(list)
        for path, placed in self.files.items():
            found[path.rpartition("/")[0]].append(placed)
        return dict(found)

    @cached_property
    def links(self) -> Mapping[str, str]:
        """Symbolic links right below the root → where they lead: ``/bin`` → ``/usr/bin`` (a merged ``/usr``)."""
        visible = self.merged.visible
        return {
            path: "/" + placed.entry.link.strip("/")
            for path, placed in visible.items()
            if placed.entry.kind is Kind.SYMLINK and path.count("/") == 1
        }

    @cached_property
    def hard_links(self) -> Mapping[str, list[str]]:
        """Visible file → its further visible names: its bytes stay as long as one of them does."""
        found: dict[str, list[str]] = defaultdict(list)
        hard_link = Kind.HARDLINK
        for path, placed in self.merged.visible.items():
            if placed.entry.kind is hard_link and path not in self.files:
                first = self.files.get(placed.entry.link)
                if first is not None and first.layer == placed.layer:
                    found[placed.entry.link].append(path)
        return dict(found)

    def real(self, path: str) -> str:
        """``/bin/ls`` as ``/usr/bin/ls`` where ``/bin`` is a link."""
        end = path.find("/", 1)
        target = self.links.get(path[:end]) if end > 0 else None
        return path if target is None else target + path[end:]


def scene_of(content: ImageContent) -> Scene:
    """Lay the layers over each other."""
    merged = merge(content.layers)
    files = {path: placed for path, placed in merged.visible.items() if placed.entry.kind is Kind.FILE}
    hidden = _without_linked(merged, files)
    return Scene(content, merged, files, hidden, _texts(content, merged))


def _without_linked(merged: Merged, files: dict[str, Placed]) -> tuple[Hidden, ...]:
    """A file whose first name is gone lives on under a hard link of its layer: its bytes move to that name."""
    gone = {(one.layer, one.entry.path): one for one in merged.hidden}
    if not gone:
        return merged.hidden
    for path, placed in merged.visible.items():
        entry = placed.entry
        if entry.kind is Kind.HARDLINK:
            first = gone.pop((placed.layer, entry.link), None)
            if first is not None:
                files[path] = Placed(placed.layer, first.entry._replace(path=path))
    return tuple(one for one in merged.hidden if (one.layer, one.entry.path) in gone)


def _texts(content: ImageContent, merged: Merged) -> dict[str, bytes]:
    visible = merged.visible
    found = {}
    for number, layer in enumerate(content.layers):
        for path, text in layer.texts.items():
            placed = visible.get(path)
            if placed is not None and placed.layer == number:
                found[path] = text
    return found
