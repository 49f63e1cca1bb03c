"""``optbuild optimize``: apply the plan to files and running stack, or leave everything as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli.compose_options import (
    HEALTHY_SECONDS,
    BuilderService,
    EnvFiles,
    Files,
    Groups,
    ImageOnly,
    ProjectDirectory,
    ProjectName,
    Remote,
    Spec,
    Timeout,
)
from builder.cli.confirmation import Yes, confirm_change
from builder.cli.formats import TEXT, format_result, make_format_option
from builder.cli.output import has_color
from builder.cli.runtime import find_runtime
from builder.core.errors import ExitCode, OptbuildError

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.core.runtime import Runtime
    from builder.operations.optimize import OptimizeOptions
    from builder.rollout.preview import OptimizePreview


def command(  # noqa: PLR0917 - a parameter per option
    ctx: typer.Context,
    service: Annotated[
        str | None, typer.Argument(metavar="SERVICE", help="With --rebuild: only the image of this service.")
    ] = None,
    file: Files = None,
    project_directory: ProjectDirectory = None,
    project_name: ProjectName = None,
    env_file: EnvFiles = None,
    yes: Yes = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
    file_only: Annotated[
        bool, typer.Option("--file-only", help="Change only the files; refused while the stack has containers.")
    ] = False,
    group: Groups = None,
    builder_service: BuilderService = None,
    image_only: ImageOnly = False,
    spec: Spec = None,
    remote: Remote = False,
    rebuild: Annotated[
        bool,
        typer.Option("--rebuild", help="Build existing shared images again, and restart the services that use them."),
    ] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Do not use the build cache.")] = False,
    clean: Annotated[
        bool, typer.Option("--clean", help="At the end, remove the old images that nothing uses any more.")
    ] = False,
    timeout: Timeout = HEALTHY_SECONDS,
    output_format: Annotated[str, make_format_option("optimize")] = TEXT,
) -> None:
    """Let services share one image: in the files, and running.

    Those that build the same image use one from then on. Shows the edit and what restarts, then asks. The image is
    built and proven before anything stops; then the files are backed up and written, and only the affected services
    are started again, each after what it depends on. When one of them does not come up, or on Ctrl-C, everything is
    put back: files, image names, containers. Databases and volumes are not touched. `optbuild rollback` undoes it
    later, also after a crash.
    """
    from builder.operations.optimize import OptimizeFlow, OptimizeOptions
    from builder.operations.plan import PlanOptions

    if service is not None and not rebuild:
        raise OptbuildError("a SERVICE can only be named with --rebuild", hint="`optbuild optimize --rebuild SERVICE`")
    runtime = find_runtime(ctx)
    plan = PlanOptions(
        tuple(file or ()),
        project_directory,
        project_name,
        tuple(env_file or ()),
        tuple(group or ()),
        builder_service,
        image_only,
        spec,
        remote,
    )
    options = OptimizeOptions(plan, yes, dry_run, file_only, rebuild, service, no_cache, clean, timeout)
    shows = runtime.out if output_format == TEXT else runtime.err
    outcome = OptimizeFlow(
        runtime, options, _make_preview_printer(runtime, options, shows.write), _make_confirm_prompt(runtime, options)
    ).run()
    runtime.out.write(format_result("optimize", output_format, {"outcome": outcome}))
    if outcome.refused:
        raise typer.Exit(ExitCode.USAGE)


def _make_preview_printer(
    runtime: Runtime, options: OptimizeOptions, write: Callable[[str], object]
) -> Callable[[OptimizePreview], None]:
    """What would be done: on stdout, or beside the JSON on stderr."""

    def show(ready: OptimizePreview) -> None:
        from builder.report.diff import format_readable_diff
        from builder.report.optimize import format_nothing_to_do, format_optimize_preview

        if not ready.work.targets:
            write(format_nothing_to_do(ready))
            return
        color = has_color(runtime)
        if diff := format_readable_diff(ready.work.edits, ready.planned.files.directory, color=color):
            write(f"{diff}\n")
        write(format_optimize_preview(ready, file_only=options.file_only))
        runtime.out.flush()

    return show


def _make_confirm_prompt(runtime: Runtime, options: OptimizeOptions) -> Callable[[OptimizePreview], bool]:
    """Asks on a terminal. Raises OptbuildError where there is none to ask on."""

    def agree(_ready: OptimizePreview) -> bool:
        hint = "`--yes` does it without asking, `--dry-run` only shows it"
        return confirm_change(runtime, yes=options.yes, hint=hint)

    return agree
