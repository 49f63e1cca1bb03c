"""``optbuild inspect IMAGE``: which layer, package and folder takes the bytes, and which of them are waste."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer evaluates the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli.formats import TEXT, format_result, make_format_option
from builder.cli.output import Html, has_color, make_output_file, make_page_file, write_output, write_page
from builder.cli.report_options import Output, Top, parse_row_count
from builder.cli.runtime import find_runtime
from builder.core.errors import ExitCode, OptbuildError
from builder.operations.sbom import LockPath, Sbom, SbomFormat, make_bill_of_materials
from builder.operations.targets import require_subject_name

if TYPE_CHECKING:
    from builder.core.runtime import Runtime
    from builder.operations.inspect import InspectResult


class GpuChoice(StrEnum):
    AUTO = "auto"
    YES = "yes"
    NO = "no"


def command(  # noqa: PLR0917 - a parameter per option
    ctx: typer.Context,
    subject: Annotated[
        str | None,
        typer.Argument(metavar="IMAGE|FILE.tar", help="An image of the engine, or an archive of `docker save`."),
    ] = None,
    output_format: Annotated[str, make_format_option("inspect")] = TEXT,
    top: Top = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            metavar="IMAGE",
            help="The image that it was made from: its layers are not waste; scratch: nothing.",
        ),
    ] = None,
    image: Annotated[
        str | None, typer.Option("--image", metavar="NAME", help="Which image, if the archive holds several.")
    ] = None,
    spec: Annotated[
        Path | None,
        typer.Option("--spec", metavar="DIR", help="The optbuild.toml with [budget] and what was asked for."),
    ] = None,
    dive_ci: Annotated[
        Path | None, typer.Option("--dive-ci", metavar="FILE", help="Limits as dive's CI mode takes them.")
    ] = None,
    gpu: Annotated[
        GpuChoice,
        typer.Option("--gpu", help="Whether the image runs on a machine with a GPU; auto: as on this machine."),
    ] = GpuChoice.AUTO,
    explain: Annotated[
        str | None, typer.Option("--explain", metavar="CODE", help="Explain one kind of waste (OB405).")
    ] = None,
    output: Output = None,
    html: Html = None,
    sbom: SbomFormat = Sbom.NONE,
    lock: LockPath = None,
) -> None:
    """Show what takes an image's bytes, and which are waste.

    By layer, package and folder. Python distributions are recognized by their RECORD, Debian packages by dpkg's
    lists. Waste is what another Dockerfile would save: all copies but one, hidden files, caches, compilers, tests.
    No byte counts twice; of the base image only a secret that can still be read counts. What was read is cached by
    layer, so a second run takes no time.

    The base is what --base names; else what the image's labels org.opencontainers.image.base.* name; else the largest
    image of another program at hand whose layers are all the lowest of this one. Another tag of the same repository is
    not a base, and neither is what the same compose or optbuild project built.

    Budgets: [budget] of --spec, or of an optbuild.toml here that describes this image; --dive-ci, or a .dive-ci here.
    The exit code is 1 when one is exceeded. --sbom checks no budget.
    """
    runtime = find_runtime(ctx)
    target = make_output_file(runtime, output)
    if explain is not None:
        write_output(target, _explain_waste_code(explain), runtime)
        return
    subject = require_subject_name(subject, "optbuild inspect IMAGE")
    base = None if base is None else require_subject_name(base, "--base IMAGE")
    rows, page = parse_row_count(top), make_page_file(runtime, html)
    bill = make_bill_of_materials(runtime, sbom, lock, spec)
    if bill is not None and dive_ci is not None:
        raise OptbuildError("--sbom checks no budget", hint="leave --dive-ci out, or run it once more without --sbom")
    from builder.operations.inspect import InspectOptions, run_inspect  # reads archives

    found = run_inspect(runtime, InspectOptions(subject, base, image, spec, dive_ci, gpu.value, judged=bill is None))
    if bill is not None:
        text = bill.format_text(found.inspection)
    else:
        text = _format_inspection(found, subject, output_format, rows, color=has_color(runtime, target))
    write_output(target, text, runtime)
    write_page(page, lambda: _render_inspection_page(found, subject))
    for note in found.notes:
        runtime.err.write(f"optbuild: {note}\n")
    runtime.err.flush()
    raise typer.Exit(_report_budget(found, runtime))


def _report_budget(found: InspectResult, runtime: Runtime) -> int:
    """Each failure states actual and limit, also where the report went into a file."""
    failed = [one for one in found.verdicts if not one.passed]
    for one in failed:
        runtime.err.write(f"optbuild: over budget: {one.name}: {one.text}\n")
    runtime.err.flush()
    return ExitCode.CHECK_FAILED if failed else ExitCode.DONE


def _format_inspection(
    found: InspectResult, name: str, output_format: str, rows: dict[str, int], *, color: bool
) -> str:
    values = {"found": found.inspection, "name": name, "verdicts": found.verdicts, "color": color}
    return format_result("inspect", output_format, values | rows)


def _render_inspection_page(found: InspectResult, name: str) -> str:
    from builder.report.html import render_inspection_page

    return render_inspection_page(found.inspection, name)


def _explain_waste_code(code: str) -> str:
    from builder.compose.rules.explain_separation import explain_code  # one mechanism for all codes

    return explain_code(code, None, (), {})
