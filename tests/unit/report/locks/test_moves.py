"""What is said of a change from one lock to another: the layers that move, and those that go."""

from __future__ import annotations

import json

from builder.image.lock.changes import LockChanges
from builder.image.lock.layers.moves import LockMoves, MovedLayer
from builder.report.locks.moves import (
    format_lock_moves_json,
    format_lock_moves_markdown,
    format_lock_moves_text,
)

NAMES = ("old", "new")
NOTHING = LockChanges((), ())
BUMP = MovedLayer("seaborn", 791_000, ("seaborn 0.12.2 -> 0.13.2",))
GONE = MovedLayer("added Debian packages", 0, ("gosu 1.14-1 -> (gone)",))
MOVES = LockMoves(34, (BUMP,), (GONE,), 167_000_000, 204_000_000, NOTHING)


def test_a_layer_that_changes_and_one_that_goes() -> None:
    assert format_lock_moves_text(MOVES, NAMES) == (
        "old against new\n"
        "  1 of 34 layers changes, 1 is gone: pushes 791 kB, a node with overlay2 pulls 167 MB, of 204 MB (compressed, "
        "estimated)\n"
        "  layer                  pushes  because\n"
        "  seaborn                791 kB  seaborn 0.12.2 -> 0.13.2\n"
        "  added Debian packages     0 B  gosu 1.14-1 -> (gone)\n"
    )
    assert "| `added Debian packages` | 0 B | `gosu 1.14-1 -> (gone)` |" in format_lock_moves_markdown(MOVES, NAMES)
    document = json.loads(format_lock_moves_json(MOVES, NAMES))
    assert document["gone"] == [{"name": "added Debian packages", "because": ["gosu 1.14-1 -> (gone)"]}]
    assert [layer["name"] for layer in document["moved"]] == ["seaborn"]


def test_layers_whose_members_lie_elsewhere_say_so() -> None:
    joined = LockMoves(33, (), (MovedLayer("seaborn", 0, ()),), 8_000_000, 204_000_000, NOTHING)
    assert "  seaborn     0 B  gone: its members lie in another layer\n" in format_lock_moves_text(joined, NAMES)


def test_nothing_that_moves_is_one_line() -> None:
    same = LockMoves(34, (), (), 0, 204_000_000, NOTHING)
    assert format_lock_moves_text(same, NAMES).splitlines()[1:] == [
        "  all 34 layers are the same: nothing to push or to pull"
    ]
    assert format_lock_moves_markdown(same, NAMES) == ""
