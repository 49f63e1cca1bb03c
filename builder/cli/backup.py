"""``optbuild backup IMAGE... --output FOLDER``: images as archives on disk, each read back and checked."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer evaluates the annotations
from typing import Annotated

import typer

from builder.cli.formats import TEXT, format_result, make_format_option
from builder.cli.output import check_output_folder, write_output
from builder.cli.runtime import find_runtime
from builder.core.errors import ExitCode


def command(
    ctx: typer.Context,
    images: Annotated[list[str], typer.Argument(metavar="IMAGE", help="Names or IDs of images on the engine.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="The folder for the archives; made if it does not exist."
        ),
    ],
    output_format: Annotated[str, make_format_option("backup")] = TEXT,
) -> None:
    """Save images with all their names, each in an archive.

    The archives are compressed, and lie in one folder. Each is read back before the folder's optbuild-backup.json
    names it. An archive that the folder already holds is checked and not saved again, so a backup that was stopped
    continues; a damaged archive is written again. Layers that several images share are in the archive of each of
    them.

    `optbuild restore FOLDER` brings the images back. Without optbuild, `zstd -dc FILE | docker load` does, but without
    their names.
    """
    from builder.engine.socket_client import connect_reader
    from builder.store.backup import back_up_images, resolve_image_ids

    runtime = find_runtime(ctx)
    folder = check_output_folder(runtime, output)
    with connect_reader(runtime.env) as engine:
        done = back_up_images(engine, resolve_image_ids(engine.api, images), folder, runtime.progress)
    values = {"backup": done, "folder": str(output), "width": runtime.width}
    write_output(None, format_result("backup", output_format, values), runtime)
    if done.failed:
        raise typer.Exit(ExitCode.CHECK_FAILED)
