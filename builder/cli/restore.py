"""``optbuild restore FOLDER|ARCHIVE [IMAGE...]``: images of a backup back on the engine, all checked before."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer evaluates the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli.formats import TEXT, format_result, make_format_option
from builder.cli.output import write_output
from builder.cli.runtime import find_runtime
from builder.core.errors import ExitCode

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from builder.core.runtime import Runtime
    from builder.store.restore import RestoreSelection


def command(  # noqa: PLR0917 - a parameter per option
    ctx: typer.Context,
    source: Annotated[
        Path, typer.Argument(metavar="FOLDER|ARCHIVE", help="What `optbuild backup` wrote: all of it, or one archive.")
    ],
    images: Annotated[
        list[str] | None, typer.Argument(metavar="IMAGE", help="Only these, by name or ID; without: all.")
    ] = None,
    check_only: Annotated[bool, typer.Option("--check", help="Read and compare everything, and load nothing.")] = False,
    replace_tags: Annotated[
        bool, typer.Option("--replace-tags", help="Also move names that belong to another image now.")
    ] = False,
    output_format: Annotated[str, make_format_option("restore")] = TEXT,
) -> None:
    """Load what `optbuild backup` saved, with its IDs and names.

    Every archive is read to its end first: a damaged one, or one that is not what the folder's manifest says, is
    refused before the engine gets a byte of any. A name that another image has now stays with that image, and nothing
    is loaded, unless --replace-tags moves it. An image that the engine still has is not loaded again.

    `--check` needs no engine; exit code 1 says that an archive is damaged.
    """
    from builder.store.restore import select_images

    runtime = find_runtime(ctx)
    chosen = select_images(runtime.cwd / source, images or [])
    if check_only:
        _check_backup(chosen, runtime, output_format)
    else:
        _restore_backup(chosen, runtime, output_format, replace_tags=replace_tags)


def _check_backup(chosen: RestoreSelection, runtime: Runtime, output_format: str) -> None:
    from builder.store.restore import check_archives

    checked = check_archives(chosen, runtime.progress)
    text = format_result("restore", output_format, {"checked": checked, "width": runtime.width}, variant="check")
    write_output(None, text, runtime)
    if any(one.contents is None for one in checked):
        raise typer.Exit(ExitCode.CHECK_FAILED)


def _block_clean(runtime: Runtime) -> AbstractContextManager[None]:
    """An image has no name between its load and its first: `clean` would take it for a leftover."""
    from builder.core.files import hold_lock
    from builder.operations.clean import LOCK

    return hold_lock(
        runtime.state_folder / LOCK, "restore", on_wait=lambda holder: runtime.progress.note(f"waiting for {holder}")
    )


def _restore_backup(chosen: RestoreSelection, runtime: Runtime, output_format: str, *, replace_tags: bool) -> None:
    from builder.engine.client import connect_engine  # the SDK costs 150 ms
    from builder.store.restore import check_archives, restore_images

    with connect_engine(runtime.env) as engine:  # first, because the check takes minutes
        checked = check_archives(chosen, runtime.progress)
        with _block_clean(runtime):
            done = restore_images(engine, chosen, checked, runtime.progress, replace_tags=replace_tags)
    write_output(None, format_result("restore", output_format, {"restored": done, "width": runtime.width}), runtime)
