"""Why a layer is what it is, and what a new version of one of its distributions moves: from the lock alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.core.naming import MOST_LAYERS
from builder.image.lock.layers.groups import find_group
from builder.image.lock.layers.plan import list_layers, plan_layers
from builder.image.lock.layers.sizes import estimate_layer_bytes
from builder.image.lock.layers.stages import plan_stages

if TYPE_CHECKING:
    from builder.image.lock.model import Lock, PackageLayer


@dataclass(frozen=True)
class LayerExplanation:
    """One layer. Bytes are compressed, and estimates."""

    layer: PackageLayer
    stage: str
    """The build stage that makes it."""
    pushed: int
    """Its own bytes: what a new version of one of its members pushes."""
    pulled: int
    """The same and all that lies above it: what a node with overlay2 then pulls."""
    why: str
    """Why it is a layer and lies where it lies."""


@dataclass(frozen=True)
class StageCost:
    """What one stage gives up: how it would be with several. Bytes are compressed, and estimates from the same lock."""

    layers: int
    stages: int
    packages: int
    least: int
    """Bytes that a new version of one package pushes, at least"""
    most: int
    mean: int
    """and on average of all packages."""


def estimate_stage_cost(lock: Lock) -> StageCost | None:
    """None where nothing is installed."""
    names = [one.name for one in lock.python]
    if not names:
        return None
    layers = plan_layers(dict.fromkeys(names), MOST_LAYERS)
    sizes = {layer: estimate_layer_bytes(layer, lock) for layer in layers}
    pushed = [sizes[layer] for name in names for layer in layers if name in layer.members]
    return StageCost(
        len(layers), len(plan_stages(layers)), len(names), min(pushed), max(pushed), round(sum(pushed) / len(pushed))
    )


def explain_layers(lock: Lock) -> tuple[LayerExplanation, ...]:
    """Bottom first."""
    layers = list_layers(lock)
    stages = {layer.name: stage.name for stage in plan_stages(layers) for layer in stage.layers}
    explanations: list[LayerExplanation] = []
    above = 0
    for layer in reversed(layers):
        pushed = estimate_layer_bytes(layer, lock)
        above += pushed
        explanations.append(LayerExplanation(layer, stages[layer.name], pushed, above, _explain_layer(layer, lock)))
    return tuple(reversed(explanations))


def _explain_layer(layer: PackageLayer, lock: Lock) -> str:
    if not lock.layers:
        return "the lock is older than layers: optbuild lock plans them"
    groups = {find_group(part) for part in layer.members}
    if len(groups) == 1:
        return groups.pop().why
    return f"{len(groups)} groups together, because layers.max is {lock.inputs.layers_max}"
