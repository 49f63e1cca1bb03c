"""``optbuild plan``: what a compose project builds several times, and the exact edit that ends it."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli.compose_options import (  # noqa: TC001 - typer evaluates the annotations
    BuilderService,
    EnvFiles,
    Files,
    Groups,
    ImageOnly,
    ProjectDirectory,
    ProjectName,
    Remote,
    Spec,
)
from builder.cli.formats import TEXT, format_result, make_format_option
from builder.cli.output import find_width, has_color, make_output_file, write_output
from builder.cli.runtime import find_runtime
from builder.core.errors import ExitCode, InterruptedByUserError, NoProjectHereError, OptbuildError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from builder.compose.planned import PlanResult
    from builder.core.runtime import Runtime
    from builder.operations.plan import PlanOptions


class FailLevel(StrEnum):
    NONE = "none"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def command(  # noqa: PLR0917 - a parameter per option
    ctx: typer.Context,
    file: Files = None,
    project_directory: ProjectDirectory = None,
    project_name: ProjectName = None,
    env_file: EnvFiles = None,
    output_format: Annotated[str, make_format_option("plan")] = TEXT,
    fail_level: Annotated[
        FailLevel,
        typer.Option(
            "--fail-level",
            help="Exit code 1 when there is a finding of this severity or above. OB104 and OB105 do not count: they "
            "say what is right as it is.",
        ),
    ] = FailLevel.NONE,
    explain: Annotated[
        str | None,
        typer.Option("--explain", metavar="CODE", help="Explain one code (OB104), or common `beliefs`."),
    ] = None,
    group: Groups = None,
    builder_service: BuilderService = None,
    image_only: ImageOnly = False,
    spec: Spec = None,
    remote: Remote = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the plan there, not to stdout.")
    ] = None,
) -> None:
    """Show what your services build several times, and the edit.

    Nothing is changed: it is the exact edit of the compose files, and what it saves. The files are found as docker
    compose finds them (-f, COMPOSE_FILE, compose.yaml and its override, .env), services behind profiles included.
    Bytes are counted layer by layer on the engine; without an engine they are "—". `optbuild optimize` applies
    exactly this plan.

    In CI: `optbuild plan --format github --fail-level warning`.
    """
    from builder.operations.plan import PlanOptions, run_plan

    runtime = find_runtime(ctx)
    file_out = make_output_file(runtime, output)
    options = PlanOptions(
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
    if explain is not None:
        write_output(file_out, _explain_finding_code(runtime, options, explain), runtime)
        return
    planned = run_plan(runtime, options)
    shown = {"color": has_color(runtime, file_out), "width": find_width(runtime, file_out)}
    write_output(file_out, _format_plan(planned, output_format, runtime, shown), runtime)
    if planned.no_engine:
        runtime.err.write(f"optbuild: bytes are unknown: {planned.no_engine}\n")
        runtime.err.flush()
    raise typer.Exit(_choose_exit_code(planned, fail_level))


def _choose_exit_code(planned: PlanResult, level: FailLevel) -> int:
    from builder.findings.catalog import Severity
    from builder.findings.model import find_worst_severity

    found = find_worst_severity(planned.plan.findings)
    failed = level is not FailLevel.NONE and found is not None and found >= Severity[level.name]
    return ExitCode.CHECK_FAILED if failed else ExitCode.DONE


def _format_plan(planned: PlanResult, output_format: str, runtime: Runtime, shown: Mapping[str, object]) -> str:
    rename = _make_path_renamer(planned, runtime)
    values = {"plan": planned.plan, "findings": planned.plan.findings, "rename": rename, **shown}
    return format_result("plan", output_format, values)


def _explain_finding_code(runtime: Runtime, options: PlanOptions, code: str) -> str:
    """For the project at hand where there is one that can be read, else in general."""
    from builder.compose.rules.explain_separation import explain_code
    from builder.findings.explain import BELIEFS
    from builder.operations.plan import run_plan

    general = explain_code(code, None, (), {})
    if code.lower() == BELIEFS:
        return general
    try:
        planned = run_plan(runtime, options)
    except InterruptedByUserError:
        raise
    except NoProjectHereError:
        return general
    except OptbuildError as error:
        where = f"{error.where}: " if error.where else ""
        runtime.err.write(f"optbuild: the services here are not included: {where}{error.message.splitlines()[0]}\n")
        runtime.err.flush()
        return general
    return explain_code(code, planned.plan.project, tuple(one.group for one in planned.plan.groups), planned.facts)


def _make_path_renamer(planned: PlanResult, runtime: Runtime) -> Callable[[str], str]:
    """A finding's file as the repository names it: relative to the nearest folder with a ``.git``."""
    directory = planned.files.directory
    given = runtime.env.get("GITHUB_WORKSPACE")

    @cache
    def find_root() -> Path:
        marked = (folder for folder in (directory, *directory.parents) if (folder / ".git").exists())
        return Path(given) if given and directory.is_relative_to(given) else next(marked, directory)

    def renamed(name: str) -> str:
        path = directory / name
        return path.relative_to(find_root()).as_posix() if path.is_relative_to(find_root()) else name

    return renamed
