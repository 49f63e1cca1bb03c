"""What is known of old images beside their project: what a spec protects, what a promotion holds, what they free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.errors import OptbuildError

if TYPE_CHECKING:
    from pathlib import Path

    from builder.cli.world import World


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


def freed_by(world: World, images: tuple[str, ...]) -> int | None:
    """True bytes that go with these images: of layers that no other image has. None: not measured."""
    from builder.engine.client import connect  # noqa: PLC0415 - the SDK
    from builder.engine.layers import many  # noqa: PLC0415

    if not images:
        return 0
    try:
        with connect(world.env) as engine:
            everything = many(engine.client.api, [str(one["Id"]) for one in engine.client.api.images()])
    except OptbuildError:
        return None
    going = [found for name, found in everything.items() if name in images and found is not None]
    staying = {
        layer.chain for name, found in everything.items() if name not in images and found for layer in found.layers
    }
    chains = {layer.chain: layer.bytes for one in going for layer in one.layers if layer.chain not in staying}
    known = [size for size in chains.values() if size is not None]
    return sum(known) if len(known) == len(chains) else None
