"""What ``optbuild inspect`` does: read, find what was asked for and allowed, analyse, judge."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.engine.endpoint import resolve
from builder.engine.quick import look
from builder.inspect.analyse import analyse
from builder.inspect.machine import UNKNOWN, Machine, this_machine
from builder.inspect.read import read_archive_file, read_image

if TYPE_CHECKING:
    from pathlib import Path

    from builder.cli.world import World
    from builder.inspect.model import ImageContent, Inspection, Verdict


@dataclass(frozen=True)
class InspectOptions:
    """The command line."""

    subject: str
    base: str | None = None
    spec: Path | None = None
    dive_ci: Path | None = None
    gpu: str = "auto"


@dataclass(frozen=True)
class Inspected:
    """What is shown. ``notes`` are for stderr."""

    inspection: Inspection
    verdicts: tuple[Verdict, ...] = ()
    notes: tuple[str, ...] = ()


def inspected(world: World, options: InspectOptions) -> Inspected:
    """Raises what reading raises, and SpecError for a spec or a .dive-ci that cannot be read."""
    # Hundreds of thousands of small tuples are made and none of them in a circle: collecting costs half of the time.
    gc.disable()
    try:
        content = content_of(world, options.subject, options.base)
        return Inspected(analyse(content, frozenset(), machine_of(world, options)))
    finally:
        gc.enable()


def content_of(world: World, subject: str, base: str | None) -> ImageContent:
    """All that the image holds. A file of that name is an archive; anything else is asked of the engine."""
    path = world.cwd / subject
    if path.is_file():
        return read_archive_file(path, world.cache_folder, world.progress, base=base)
    with look(world.env) as engine:
        return read_image(engine, subject, world.cache_folder, world.progress, base=base)


def machine_of(world: World, options: InspectOptions) -> Machine:
    """Of an engine on another machine nothing is known."""
    if options.gpu != "auto":
        return Machine(options.gpu == "yes", f"--gpu {options.gpu}")
    return this_machine() if resolve(world.env).local else UNKNOWN
