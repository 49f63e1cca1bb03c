"""Anchors and aliases of a file of which parts are removed: no alias may lose what it means."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from builder.compose.yaml.nodes import Alias, Anchored, Document, walk_nodes
from builder.compose.yaml.text import format_on_one_line

if TYPE_CHECKING:
    from builder.compose.rewrite.copy import Splice


class Anchors:
    """``gone``: the parts of the text that are removed or replaced; they do not overlap."""

    def __init__(self, document: Document, gone: list[tuple[int, int]]) -> None:
        self._document = document
        self._gone = sorted(gone)
        nodes = list(walk_nodes(document.root)) if document.root else []
        self._aliases = [node for node in nodes if isinstance(node, Alias)]
        self._anchored: list[Anchored] = [node for node in nodes if not isinstance(node, Alias) and node.anchor]

    def is_removed(self, at: int) -> bool:
        place = bisect_right(self._gone, (at, len(self._document.text)))
        return place > 0 and at < self._gone[place - 1][1]

    def is_valid_at(self, alias: Alias, at: int) -> bool:
        """Whether the same alias, written at ``at``, would mean the same as at its own place."""
        target = alias.target
        if self.is_removed(target.start) or target.end > at:
            return False
        return not any(other.anchor == alias.name and target.start < other.start < at for other in self._anchored)

    def moved(self) -> list[Splice]:
        """For each anchor that goes: its node, written in place of the first alias that stays."""
        splices = []
        for node in self._anchored:
            if not self.is_removed(node.start):
                continue
            left = [alias for alias in self._aliases if alias.target is node and not self.is_removed(alias.start)]
            if left:
                splices.append(
                    (left[0].start, left[0].end, f"&{node.anchor} {format_on_one_line(self._document, node)}")
                )
        return splices
