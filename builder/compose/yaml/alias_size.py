"""How much a YAML text means once every alias is replaced by a copy of what it stands for, as Compose does it.

Three hundred bytes of anchors whose values repeat the alias before them mean a million values: Compose 2.26 takes
0.15 ms for each. Counted here without making a single copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.compose.yaml.nodes import Alias, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from builder.compose.yaml.nodes import Anchored, Node

MOST_VALUES = 1_000_000
"""Compose would take minutes for more, however they are written. The largest real project seen has 5,000."""
MANY_VALUES = 20_000
MOST_COPIES = 100
"""Copies of what is written, in a file that means many values. A common block of 200 variables in 1,000 services that
say nothing else makes fewer."""
_TEXT_UNIT = 64
"""So many characters of a text count as one more value."""
_CAP = 10**15
FEWER_ALIASES = "write out what the last aliases stand for, or leave out what repeats it"


@dataclass(frozen=True)
class AliasSize:
    """What a text means, counted in values. ``heaviest``: the alias that stands for most of it, the first of equals."""

    written: int
    meant: int
    heaviest: Alias | None
    heaviest_meant: int = 0

    @property
    def is_too_much(self) -> bool:
        return self.heaviest is not None and (
            self.meant > MOST_VALUES or (self.meant > MANY_VALUES and self.meant > MOST_COPIES * self.written)
        )

    def __str__(self) -> str:
        name = "" if self.heaviest is None else self.heaviest.name
        return (
            f"the alias *{name} alone stands for {_format_count(self.heaviest_meant)} values, and the whole file, of "
            f"which {self.written:,} are written, for {_format_count(self.meant)}: Compose would copy each of them"
        )


def _format_count(number: int) -> str:
    return f"{number:,}" if number <= MOST_VALUES else f"more than {MOST_VALUES:,}"


def measure_aliases(roots: Iterable[Node]) -> AliasSize:
    """Of all documents of a file. Takes any depth."""
    sizes: dict[int, int] = {}
    written = meant = most = 0
    heaviest: Alias | None = None
    for root in roots:
        for node in _walk_upwards(root):
            if isinstance(node, Alias):
                size = sizes.get(id(node.target), 1)
                heaviest, most = (node, size) if size > most else (heaviest, most)
            else:
                size = 1 if isinstance(node, Scalar) else 1 + sum(sizes[id(inner)] for inner in _list_parts(node))
                size += len(node.value) // _TEXT_UNIT if isinstance(node, Scalar) else 0
            sizes[id(node)] = min(size, _CAP)
            written += 1
        meant += sizes[id(root)]
    return AliasSize(written, min(meant, _CAP), heaviest, most)


def _walk_upwards(root: Node) -> Iterator[Node]:
    """Everything written in the node, in the order of the text, each behind its parts; aliases are not followed."""
    waiting: list[tuple[Node, bool]] = [(root, False)]
    while waiting:
        node, opened = waiting.pop()
        parts = () if opened or isinstance(node, Alias) else _list_parts(node)
        if not parts:
            yield node
            continue
        waiting.append((node, True))
        waiting += ((part, False) for part in reversed(parts))


def _list_parts(node: Anchored) -> tuple[Node, ...]:
    match node:
        case Sequence(items=items):
            return items
        case Mapping(entries=entries):
            return tuple(part for entry in entries for part in (entry.key, entry.value))
        case _:
            return ()
