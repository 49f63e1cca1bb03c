"""``optbuild verify``: start every role of an image for real, and check it."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path  # noqa: TC003 - typer evaluates the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli.formats import TEXT, format_result, make_format_option
from builder.cli.output import make_output_file, write_output
from builder.cli.runtime import find_runtime
from builder.core.errors import ExitCode
from builder.operations.verify import choose_environment, find_dag_folder, find_image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.cli.output import ResultFile
    from builder.core.runtime import Runtime
    from builder.image.verify.model import VerifyReport
    from builder.image.verify.scheduler import CheckListener


def command(  # noqa: PLR0917 - a parameter per option
    ctx: typer.Context,
    subject: Annotated[
        str, typer.Argument(metavar="IMAGE|DIR", help="An image, or the folder of an optbuild.toml: its image.")
    ] = ".",
    output_format: Annotated[str, make_format_option("verify")] = TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the report there, not to stdout.")
    ] = None,
    database: Annotated[
        str | None,
        typer.Option("--database", metavar="IMAGE|sqlite", help="The database to use instead of the spec's."),
    ] = None,
    dags: Annotated[
        str | None,
        typer.Option(
            "--dags",
            metavar="FOLDER",
            help="Import each DAG file of this folder in the image; [verify] dags of the spec names one for good.",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="CHECK", help="Run only this check and what it needs (repeatable)."),
    ] = None,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first check that fails.")] = False,
) -> None:
    """Start every role of an image, and check that it works.

    Database, migration, webserver, scheduler, a DAG run by it, packages and providers, an arbitrary user id, TLS, what
    the layers and the configuration hold, and stopping. With --dags also your own DAG files: errors and what they do
    while they are read, with file and line.

    OPTBUILD_DATABASE_URL names an existing PostgreSQL server to use instead of one that is started here. Exit code 1
    when a check fails. Everything that was started is removed again.
    """
    from builder.image.verify.run import verify_image  # the SDK and testcontainers

    runtime = find_runtime(ctx)
    file_out = make_output_file(runtime, output)
    image, plan = find_image(subject, runtime)
    if database is not None:
        plan = replace(plan, database=database)
    if dags is not None:
        plan = replace(plan, dags=find_dag_folder(dags, runtime))
    with _open_live_table(runtime) as listener:
        report = verify_image(
            replace(runtime, env=choose_environment(runtime, database)),
            image,
            plan,
            only=tuple(only or ()),
            fail_fast=fail_fast,
            listener=listener,
        )
    _write_report(report, output_format, file_out, runtime)
    raise typer.Exit(ExitCode.DONE if report.passed else ExitCode.CHECK_FAILED)


@contextlib.contextmanager
def _open_live_table(runtime: Runtime) -> Iterator[CheckListener | None]:
    """A live table where bars would be; None leaves the lines to ``verify_image``."""
    from builder.core.progress import BarProgress
    from builder.report.live import LiveTable  # rich

    if not isinstance(runtime.progress, BarProgress):
        yield None
        return
    with LiveTable(runtime.err, color=runtime.color) as live:
        yield live


def _write_report(report: VerifyReport, output_format: str, output: ResultFile | None, runtime: Runtime) -> None:
    from builder.report.verification import format_failures  # rich

    write_output(output, format_result("verify", output_format, {"report": report}), runtime)
    if failures := format_failures(report):
        runtime.err.write(failures)
        runtime.err.flush()
