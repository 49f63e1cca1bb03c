"""``optbuild doctor``: what this machine can do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from builder.cli.formats import TEXT, format_result, make_format_option
from builder.cli.output import has_color
from builder.cli.runtime import find_runtime


def command(
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of optbuild.toml, if there is one.")
    ] = Path(),
    output_format: Annotated[str, make_format_option("doctor")] = TEXT,
) -> None:
    """Say what this machine can do.

    A line per requirement says what was found and what to do about it. `!` may stay as it is; `✗` stops a build,
    and then the exit code is 3. Nothing is changed.
    """
    from builder.doctor.machine import examine_machine, is_ready  # start-up of `optbuild --help`
    from builder.doctor.model import ProbeContext

    runtime = find_runtime(ctx)
    with runtime.progress.task("look at this machine"):
        findings = examine_machine(
            ProbeContext(runtime.runner, runtime.env, _measure_free_bytes, *_read_wishes(runtime.cwd / folder))
        )
    values = {"findings": findings, "color": has_color(runtime), "width": runtime.width}
    runtime.out.write(format_result("doctor", output_format, values))
    raise typer.Exit(0 if is_ready(findings) else 3)


def _measure_free_bytes(folder: Path) -> int:
    import shutil

    return shutil.disk_usage(folder).free


def _read_wishes(folder: Path) -> tuple[str, str, str]:
    """Database, Debian release and base image, as the spec has them.

    The defaults where there is no spec, or one that other commands will complain about.
    """
    from builder.core.errors import OptbuildError
    from builder.core.naming import DEFAULT_DATABASE
    from builder.doctor.model import DEFAULT_RELEASE
    from builder.image.spec.reader import read_spec  # pydantic

    try:
        spec = read_spec(folder)
    except OptbuildError:
        return DEFAULT_DATABASE, DEFAULT_RELEASE, ""
    return spec.verify.database, spec.base.debian or DEFAULT_RELEASE, spec.base.image or spec.base.airflow or ""
