"""What is known of the order of layers' entries: kept beside the other caches, so that no image is read twice for it.

What it says can be found out again, so a document that cannot be read is an empty one.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - read where the document is
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from builder.core.documents import Form, dump_document, read_cached, write_document
from builder.core.files import hold_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

FILE = "layer-order.json"
"""Below the cache folder."""
VERSION = 1
MOST_LAYERS = 2000
"""That are remembered, the last ones: 60 images of 34 layers that have none in common."""
MOST_IMAGES = 200


@dataclass(frozen=True)
class EngineMemory:
    """Of one engine. ``native``: diff IDs of layers that it wrote when nothing on it could make it write another order.

    ``mixed``: it has, or its build cache has, one chain of layers twice, or it wrote another order once. Then nothing
    it writes is taken on trust.
    """

    mixed: bool = False
    native: tuple[str, ...] = ()


@dataclass(frozen=True)
class OrderMemory:
    """``checked``: diff IDs of layers that were read, and are in walk order. ``engines`` by their identity.

    ``replaced``: the ID of an image that an engine's build cache gives again and again, and that of the same image with
    its layers in order.
    """

    checked: tuple[str, ...] = ()
    engines: Mapping[str, EngineMemory] = field(default_factory=dict)
    replaced: Mapping[str, str] = field(default_factory=dict)

    def list_unknown(self, identity: str, diffs: Iterable[str]) -> tuple[str, ...]:
        """Those of ``diffs`` that may be in any order, as far as is known."""
        known = {*self.checked, *self.engines.get(identity, EngineMemory()).native}
        return tuple(dict.fromkeys(diff for diff in diffs if diff not in known))

    def with_checked(self, identity: str, diffs: Iterable[str]) -> OrderMemory:
        """``diffs`` were read; and the engine was seen."""
        engines = {**self.engines, identity: self.engines.get(identity, EngineMemory())}
        return replace(self, checked=_keep_last(self.checked, diffs), engines=engines)

    def with_replaced(self, before: str, after: str) -> OrderMemory:
        """Two image IDs."""
        pairs = [*((old, new) for old, new in self.replaced.items() if old != before), (before, after)]
        return replace(self, replaced=dict(pairs[-MOST_IMAGES:]))

    def with_native(self, identity: str, diffs: Iterable[str]) -> OrderMemory:
        """The engine cannot have written ``diffs`` otherwise."""
        engine = self.engines.get(identity, EngineMemory())
        return replace(
            self, engines={**self.engines, identity: replace(engine, native=_keep_last(engine.native, diffs))}
        )

    def with_mixed(self, identity: str) -> OrderMemory:
        """What the engine wrote may have been in another order for longer than anybody noticed."""
        return replace(self, engines={**self.engines, identity: EngineMemory(mixed=True)})


_FORM = Form(OrderMemory, version=VERSION)


def read_order_memory(cache_folder: Path) -> OrderMemory:
    """Empty where there is none that can be read."""
    return read_cached(cache_folder / FILE, _FORM) or OrderMemory()


def update_order_memory(cache_folder: Path, change: Callable[[OrderMemory], OrderMemory]) -> None:
    """Read, change and write it, one process at a time. Raises StateError where it cannot be written."""
    path = cache_folder / FILE
    with hold_lock(path.with_suffix(".lock"), "remembering the order of layers"):
        write_document(path, dump_document(asdict(change(read_order_memory(cache_folder))), VERSION))


def _keep_last(known: tuple[str, ...], more: Iterable[str]) -> tuple[str, ...]:
    """Each once, the oldest forgotten."""
    return tuple(dict.fromkeys((*known, *more)))[-MOST_LAYERS:]
