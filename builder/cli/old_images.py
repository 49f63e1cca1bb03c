"""What is known of old images beside their project: what a spec protects, what a promotion holds, what they free."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.errors import OptbuildError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from builder.cli.plan_flow import Planned
    from builder.cli.world import World
    from builder.compose.journal import Journal
    from builder.compose.model import Target
    from builder.compose.outcome import Outcome
    from builder.compose.outside import Outside
    from builder.compose.stack import Engine
    from builder.compose.superseded import Protection
    from builder.engine.layers import ImageLayers


def with_old_images(
    world: World, outside: Outside, journal: Journal, outcome: Outcome, planned: Planned, *, asked: bool
) -> Outcome:
    """The old images and the bytes: named, and removed where the person asked for it."""
    from builder.compose.journal import write_journal  # noqa: PLC0415
    from builder.compose.superseded import clean, old_images  # noqa: PLC0415

    engine = outside.engine
    if engine is None:
        return outcome
    everything = layers_here(world)
    protection = _protection(world, engine, planned)
    old = old_images(engine, journal, protection)
    freed = freed_by(tuple(one.image_id for one in old if not one.kept), everything)
    removed = clean(engine, journal, protection) if asked else ()
    if removed:
        cleaned = (*journal.cleaned, *(one.image_id for one in removed))
        write_journal(outside.committed(journal.files), replace(journal, cleaned=cleaned))
        old = tuple(one for one in old if one not in removed)
    amounts = {
        target.image: (
            bytes_of(_before(journal, target, outcome.targets), everything),
            bytes_of(outcome.images.get(target.image, "").split(), everything),
        )
        for target in outcome.targets
    }
    return replace(outcome, old=old, freed=freed, removed=removed, bytes=amounts)


def _before(journal: Journal, target: Target, targets: tuple[Target, ...]) -> frozenset[str]:
    """IDs of the images that the services of a target had: of their containers, else what their names pointed to."""
    records = [record for record in journal.services if record.name in target.services]
    if records or len(targets) > 1:
        return frozenset(one.image_id for record in records for one in record.containers)
    return frozenset(one.image_id for one in journal.replaced)


def _protection(world: World, engine: Engine, planned: Planned) -> Protection:
    """What the files name now, what the spec protects, what a promotion holds or keeps."""
    from builder.compose.read import read_project  # noqa: PLC0415
    from builder.compose.superseded import Protection, names_in  # noqa: PLC0415

    project = read_project(planned.files, planned.cli, world.runner, world.env)
    folder = planned.choices.spec_folder
    patterns = protected_patterns(folder) if folder else ()
    return Protection(names_in(project), patterns, held_by_state(world, engine.identity))


def protected_patterns(folder: Path) -> tuple[str, ...]:
    """``protect.images`` of an optbuild.toml."""
    from builder.spec.reader import read_spec  # noqa: PLC0415 - pydantic

    return tuple(str(pattern) for pattern in read_spec(folder).protect.images)


def held_by_state(world: World, engine: str) -> frozenset[str]:
    """IDs of what is promoted on this engine, or kept for a rollback of a promotion."""
    from builder.state import read_state  # noqa: PLC0415

    projects = read_state(world.state_folder, warn=world.progress.note).projects
    mine = [project for project in projects if project.engine == engine]
    return frozenset(image for one in mine for image in (*one.references.values(), *one.kept))


def layers_here(world: World) -> Mapping[str, ImageLayers]:
    """Every image of the engine by ID; none where it does not answer."""
    from builder.engine.client import connect  # noqa: PLC0415 - the SDK

    try:
        with connect(world.env) as engine:
            found = engine.layers(tuple(str(one["Id"]) for one in engine.client.api.images()))
    except OptbuildError:
        return {}
    return {name: image for name, image in found.items() if image is not None}


def freed_by(images: tuple[str, ...], everything: Mapping[str, ImageLayers]) -> int | None:
    """True bytes that go with these images (IDs): of layers that no other image has. None: not measured."""
    if not set(images) <= everything.keys():
        return None
    staying = {layer.chain for name, one in everything.items() if name not in images for layer in one.layers}
    going = {layer.chain: layer.bytes for name in images for layer in everything[name].layers}
    known = [(chain in staying, size) for chain, size in going.items()]
    if any(size is None for stays, size in known if not stays):
        return None
    return sum(size or 0 for stays, size in known if not stays)


def bytes_of(images: Iterable[str], everything: Mapping[str, ImageLayers]) -> int | None:
    """True bytes of these images (IDs) together: each layer chain once. None: not measured."""
    from builder.compose.bytes import real_bytes  # noqa: PLC0415

    wanted = set(images)
    if not wanted or not wanted <= everything.keys():
        return None
    return real_bytes(everything[image] for image in wanted)
