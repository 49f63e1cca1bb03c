"""Layers → build stages: a stage costs half a second of processor time, a layer nothing, so one stage makes several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.image.lock.layers.groups import find_group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.image.lock.model import PackageLayer


@dataclass(frozen=True)
class LayerStage:
    """One stage. ``layers`` bottom first, at least one."""

    name: str
    layers: tuple[PackageLayer, ...]


def plan_stages(layers: Sequence[PackageLayer]) -> tuple[LayerStage, ...]:
    """Layers with members of one stage number are made together, so at most as many stages as the table has numbers.

    A distribution is so installed once, though its bundled libraries lie in another layer.
    """
    heights = {layer: height for height, layer in enumerate(layers)}
    found: list[tuple[set[int], list[PackageLayer]]] = []
    for layer in layers:
        numbers = {find_group(part).stage for part in layer.members}
        touched = [entry for entry in found if entry[0] & numbers]
        found = [entry for entry in found if not entry[0] & numbers]
        merged = [one for _, part in touched for one in part]
        found.append((numbers.union(*(entry[0] for entry in touched)), [*merged, layer]))
    found.sort(key=lambda entry: min(entry[0]))
    return tuple(
        LayerStage(f"python-{min(numbers)}", tuple(sorted(part, key=heights.__getitem__))) for numbers, part in found
    )
