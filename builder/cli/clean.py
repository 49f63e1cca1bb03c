"""``optbuild clean``: remove what nothing needs any more, after saying exactly what and why."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer evaluates the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli.compose_options import (  # noqa: TC001 - typer evaluates the annotations
    EnvFiles,
    Files,
    ProjectDirectory,
    ProjectName,
    Spec,
)
from builder.cli.formats import TEXT, format_result, make_format_option
from builder.cli.output import check_output_folder, write_output
from builder.cli.runtime import find_runtime
from builder.cli.store_options import Filters, Protect  # noqa: TC001 - typer evaluates the annotations
from builder.core.errors import ExitCode

if TYPE_CHECKING:
    from builder.core.runtime import Runtime
    from builder.operations.clean import CleanReport


def command(  # noqa: PLR0917 - a parameter per option
    ctx: typer.Context,
    file: Files = None,
    project_directory: ProjectDirectory = None,
    project_name: ProjectName = None,
    env_file: EnvFiles = None,
    spec: Spec = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Remove the images. Without it, they are only shown.")
    ] = False,
    unused: Annotated[
        bool, typer.Option("--unused", help="Also images that no container uses and no file that is known names.")
    ] = False,
    filters: Filters = None,
    protect: Protect = None,
    keep: Annotated[
        int,
        typer.Option("--keep", metavar="N", help="How many images of each project stay for a rollback; 2 or more."),
    ] = 2,
    min_age: Annotated[
        str | None, typer.Option("--min-age", metavar="AGE", help="Only what is older: 90m, 12h, 4d, 2w.")
    ] = None,
    build_cache: Annotated[
        bool, typer.Option("--build-cache", help="Also idle build cache of the builder, through buildx.")
    ] = False,
    backup: Annotated[
        Path | None,
        typer.Option(
            "--backup", metavar="FOLDER", help="Save the images there first; an image whose archive is damaged stays."
        ),
    ] = None,
    output_format: Annotated[str, make_format_option("clean")] = TEXT,
) -> None:
    """Remove images that were replaced, or that nothing names.

    Those that a newer one replaced, and those that have no name and no user. A preview, unless you give --yes. Each
    image is judged again directly before it is removed. It stays if a container in any state uses it, a compose
    file names it, a rule protects it or a rollback needs it. Only images are removed, by their ID, never by force;
    volumes and containers are never touched.

    Images stay if optbuild does not know whose they are, unless you give --unused.
    """
    from builder.operations.clean import CleanRequest, run_clean
    from builder.operations.snapshot import StoreOptions
    from builder.store.clean import NOT_SAVED, CleanOptions
    from builder.store.select import check_keep, parse_age, parse_filter

    runtime = find_runtime(ctx)
    store = StoreOptions(
        tuple(file or ()),
        project_directory,
        project_name,
        tuple(env_file or ()),
        spec,
        tuple(protect or ()),
        check_keep(keep),
        times=min_age is not None or bool(filters) or output_format != TEXT,
    )
    what = CleanOptions(
        unused=unused,
        min_age=parse_age(min_age, "--min-age") if min_age else 0.0,
        filters=tuple(parse_filter(text) for text in filters or ()),
    )
    folder = None if backup is None else check_output_folder(runtime, backup)
    outcome = run_clean(runtime, CleanRequest(store, what, yes, build_cache, folder))
    _show_report(outcome, output_format, runtime)
    if outcome.cleaned is not None and any(reason == NOT_SAVED for _, reason in outcome.cleaned.skipped):
        raise typer.Exit(ExitCode.CHECK_FAILED)


def _show_report(outcome: CleanReport, output_format: str, runtime: Runtime) -> None:
    values = {
        "planned": outcome.plan,
        "cleaned": outcome.cleaned,
        "cache": outcome.cache,
        "backup": outcome.backup,
        "notes": outcome.notes,
        "width": runtime.width,
    }
    write_output(None, format_result("clean", output_format, values), runtime)
