"""The files of the context that each build stage of Python packages gets, and no other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from builder.image.lock.layers.groups import find_position
from builder.image.lock.layers.plan import list_layers
from builder.image.lock.layers.stages import plan_stages
from builder.image.render.model import ContextFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from builder.image.lock.layers.stages import LayerStage
    from builder.image.lock.model import Distribution, Lock


def list_building_stages(lock: Lock) -> tuple[str, ...]:
    """The names of those that install what has only a source."""
    sources = {one.name for one in lock.python if one.kind == "sdist"}
    stages = plan_stages(list_layers(lock))
    return tuple(stage.name for stage in stages if any(sources & {*layer.members} for layer in stage.layers))


def iterate_stage_files(lock: Lock) -> Iterator[ContextFile]:
    """Of each stage: its wheels, its sources (built before), and its layers with the members of each.

    The members stand in the order in which they lie on each other, then by name: of two that claim one file the later
    has it, the same one with any number of layers.
    """
    for stage in plan_stages(list_layers(lock)):
        members = {part for layer in stage.layers for part in layer.members}
        installed = [one for one in lock.python if one.name in members]
        wheels = [one for one in installed if one.kind == "wheel"]
        pins = "".join(f"{one.name}=={one.version}\n" for one in installed if one.kind == "sdist")
        yield ContextFile(f"stages/{stage.name}/requirements.txt", format_requirements(wheels))
        yield ContextFile(f"stages/{stage.name}/sources.txt", pins.encode())
        yield ContextFile(f"stages/{stage.name}/layers.json", _format_layers(stage))


def _format_layers(stage: LayerStage) -> bytes:
    rows = [
        {
            "name": layer.name,
            "stamp": layer.stamp,
            "members": sorted(layer.members, key=lambda part: (find_position(part), part)),
        }
        for layer in stage.layers
    ]
    return (json.dumps(rows, indent=1) + "\n").encode()


def format_requirements(distributions: Iterable[Distribution]) -> bytes:
    """pip's requirements format in hash-checking mode: one file per distribution, by its sha256."""
    lines = (f"{entry.name}=={entry.version} --hash=sha256:{entry.sha256}\n" for entry in distributions)
    return "".join(lines).encode()
