"""``optbuild rollback``: undo the last optimize, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer  # noqa: TC002 - typer evaluates the annotations

from builder.cli.compose_options import HEALTHY_SECONDS, EnvFiles, Files, ProjectDirectory, ProjectName, Timeout
from builder.cli.confirmation import Yes, confirm_change
from builder.cli.runtime import find_runtime
from builder.report.rollback import format_rollback_preview, format_rollback_report

if TYPE_CHECKING:
    from builder.core.runtime import Runtime
    from builder.rollout.journal import Journal


def command(  # noqa: PLR0917 - a parameter per option
    ctx: typer.Context,
    file: Files = None,
    project_directory: ProjectDirectory = None,
    project_name: ProjectName = None,
    env_file: EnvFiles = None,
    yes: Yes = False,
    timeout: Timeout = HEALTHY_SECONDS,
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
    return confirm_change(runtime, yes=yes, hint="`optbuild rollback --yes` does it")
