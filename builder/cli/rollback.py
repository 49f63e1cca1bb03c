"""``optbuild rollback``: undo the last optimize, byte for byte."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli.runtime import find_runtime
from builder.core.errors import OptbuildError
from builder.report.rollback import format_rollback_preview, format_rollback_report

if TYPE_CHECKING:
    from builder.core.runtime import Runtime
    from builder.rollout.journal import Journal


def command(  # noqa: PLR0917 - a parameter per option
    ctx: typer.Context,
    file: Annotated[
        list[str] | None,
        typer.Option("--file", "-f", metavar="FILE", help="A compose file (repeatable), as docker compose takes it."),
    ] = None,
    project_directory: Annotated[
        str | None,
        typer.Option(
            "--project-directory", metavar="DIR", help="The folder that relative paths in the files start from."
        ),
    ] = None,
    project_name: Annotated[
        str | None,
        typer.Option("--project-name", "-p", metavar="NAME", help="The project's name, instead of the folder's."),
    ] = None,
    env_file: Annotated[
        list[str] | None,
        typer.Option(
            "--env-file", metavar="FILE", help="The file to use instead of .env, for the variables in the files."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=1, help="How long a step may take to become healthy.")
    ] = 300.0,
) -> None:
    """Undo the last `optbuild optimize` of this project.

    The files get their old bytes, the image names point to their old images, and the running services start again from
    those; after `optimize --file-only`, only the files change. Also finishes or undoes an optimize that was killed.
    Refused if a file was edited since.
    """
    from builder.operations.plan import PlanOptions
    from builder.operations.rollback import undo_last_run

    runtime = find_runtime(ctx)
    options = PlanOptions(tuple(file or ()), project_directory, project_name, tuple(env_file or ()))
    run = undo_last_run(runtime, options, timeout, lambda journal: _confirm(runtime, journal, yes=yes))
    if run is not None and run.undone is not None:
        runtime.out.write(format_rollback_report(run.undone, run.earlier))


def _confirm(runtime: Runtime, journal: Journal | None, *, yes: bool) -> bool:
    """Say what would be done, and ask. Raises OptbuildError where there is no terminal to ask on."""
    if journal is None:
        runtime.out.write("nothing to roll back: no optimize of this project is recorded on this machine\n")
        return False
    runtime.out.write(format_rollback_preview(journal))
    runtime.out.flush()
    if yes:
        return True
    if not sys.stdin.isatty():
        raise OptbuildError(
            "there is no terminal to ask on, so nothing was done", hint="`optbuild rollback --yes` does it"
        )
    if typer.confirm("Do it?", default=False, err=True):
        return True
    runtime.err.write("nothing was done\n")
    return False
