"""What a command line names: an image on the engine or in an archive file on disk, or a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from builder.cli.world import World
    from builder.inspect.model import ImageContent

LOCK_FILE = "optbuild.lock"


def content_of(subject: str, world: World, *, base: str | None = None, within: str | None = None) -> ImageContent:
    """All that the image holds. A file of that name is an archive; anything else is asked of the engine.

    ``base``: what the image was made from; ``within``: which image, of an archive that holds several.
    """
    from builder.inspect.read import read_archive_file, read_image  # noqa: PLC0415 - reads archives

    path = world.cwd / subject
    if path.is_file():
        return read_archive_file(path, world.cache_folder, world.progress, reference=within, base=base)
    from builder.engine.quick import look  # noqa: PLC0415

    with look(world.env) as engine:
        return read_image(engine, subject, world.cache_folder, world.progress, base=base)


def lock_file(subject: str, world: World) -> Path | None:
    """The lock that is meant: a ``.lock`` file, whether it is there or not, or a folder's; None: it is no lock."""
    path = world.cwd / subject
    if path.name.endswith(".lock"):
        return path
    return path / LOCK_FILE if path.is_dir() else None
