"""``optbuild render``: spec and lock to the build context."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli.world import world_of

if TYPE_CHECKING:
    from builder.render.model import Context


class Format(StrEnum):
    TEXT = "text"
    BAKE = "bake"


def command(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where optbuild.toml and its lock lie.")] = Path(),
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Write the whole build context there.")
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="The Dockerfile, or a bake file for `docker buildx bake`.")
    ] = Format.TEXT,
) -> None:
    """Print the Dockerfile that optbuild.toml and optbuild.lock stand for.

    With --output the whole context is written: run its base.sh, which makes the Debian base, then plain
    `docker build` builds it. The same spec and lock give the same bytes each time; no engine and no network is used.
    """
    from builder.cli.project import load_project  # noqa: PLC0415 - start-up of `optbuild --help`
    from builder.render.bake import bake_text  # noqa: PLC0415
    from builder.render.context import render_context  # noqa: PLC0415

    world = world_of(ctx)
    project = load_project(world.cwd / folder)
    context = render_context(project.spec, project.lock)
    bake = bake_text(project.spec, context, tuple(role.name for role in project.roles))
    if output is None:
        world.out.write(bake if form is Format.BAKE else context.stamped(context.file("Dockerfile")).decode())
        return
    _write(context, bake, world.cwd / output)
    world.progress.note(
        f"wrote {len(context.files) + 1} files to {output}\nnext: {output}/base.sh && docker build "
        f"--build-arg SOURCE_DATE_EPOCH={context.source_date_epoch} {output}"
    )


def _write(context: Context, bake: str, folder: Path) -> None:
    from builder.files import atomic_write  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    context.write(folder)
    atomic_write(folder / "docker-bake.json", bake.encode())
