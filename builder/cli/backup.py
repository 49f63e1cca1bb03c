"""``optbuild backup IMAGE... --output FOLDER``: images as archives on disk, each read back and checked."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer evaluates the annotations
from typing import Annotated

import typer

from builder.cli.output import check_output_folder
from builder.cli.runtime import find_runtime
from builder.core.errors import ExitCode


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


def command(
    ctx: typer.Context,
    images: Annotated[list[str], typer.Argument(metavar="IMAGE", help="Names or IDs of images on the engine.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="The folder for the archives; made if it does not exist."
        ),
    ],
    output_format: Annotated[Format, typer.Option("--format", help="A table for a person, or JSON.")] = Format.TEXT,
) -> None:
    """Save images with all their names into a folder, each in a compressed archive of its own.

    Each archive is read back before the folder's optbuild-backup.json names it. An archive that the folder already
    holds is checked and not saved again, so a backup that was stopped continues; a damaged archive is written again.
    Layers that several images share are in the archive of each of them.

    `optbuild restore FOLDER` brings the images back. Without optbuild, `zstd -dc FILE | docker load` does, but without
    their names.
    """
    from builder.engine.socket_client import connect_reader
    from builder.report.backup import format_backup_json, format_backup_text
    from builder.store.backup import back_up_images, resolve_image_ids

    runtime = find_runtime(ctx)
    folder = check_output_folder(runtime, output)
    with connect_reader(runtime.env) as engine:
        done = back_up_images(engine, resolve_image_ids(engine.api, images), folder, runtime.progress)
    as_json = output_format is Format.JSON
    runtime.out.write(
        format_backup_json(done, str(output)) if as_json else format_backup_text(done, str(output), width=runtime.width)
    )
    runtime.out.flush()
    if done.failed:
        raise typer.Exit(ExitCode.CHECK_FAILED)
