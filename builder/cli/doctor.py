"""``optbuild doctor``: what this machine can do."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli.runtime import find_runtime

if TYPE_CHECKING:
    from builder.core.runtime import Runtime
    from builder.doctor import MachineFinding

_MARKS = {"ok": ("✓", "32"), "warning": ("!", "33"), "missing": ("✗", "31")}
"""Sign and ANSI colour of each state."""


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


def command(
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of optbuild.toml, if there is one.")
    ] = Path(),
    output: Annotated[Format, typer.Option("--format", help="A line per requirement, or JSON.")] = Format.TEXT,
) -> None:
    """Say what this machine can do.

    A line per requirement says what was found and what to do about it. `!` may stay as it is; `✗` stops a build,
    and then the exit code is 3. Nothing is changed.
    """
    from builder.doctor import (  # start-up of `optbuild --help`
        ProbeContext,
        examine_machine,
        format_findings_json,
        is_ready,
    )

    runtime = find_runtime(ctx)
    with runtime.progress.task("look at this machine"):
        findings = examine_machine(
            ProbeContext(
                runtime.runner, runtime.env, _measure_free_bytes, *_read_database_and_release(runtime.cwd / folder)
            )
        )
    runtime.out.write(
        format_findings_json(findings) + "\n" if output is Format.JSON else format_findings_text(findings, runtime)
    )
    raise typer.Exit(0 if is_ready(findings) else 3)


def format_findings_text(findings: tuple[MachineFinding, ...], runtime: Runtime) -> str:
    """A line per finding, the advice below it, and a last line that says whether a build can start."""
    width = max(len(finding.name) for finding in findings)
    color = runtime.color and runtime.out.isatty()
    lines = []
    for finding in findings:
        sign, code = _MARKS[finding.state.value]
        sign = f"\033[{code}m{sign}\033[0m" if color else sign
        lines.append(f"{sign} {finding.name:<{width}}  {finding.found}")
        if finding.advice:
            lines.append(f"  {'':<{width}}  next: {finding.advice}")
    missing = [finding.name for finding in findings if finding.state.value == "missing"]
    lines.append(f"Missing: {', '.join(missing)}." if missing else "This machine can build, verify and promote.")
    return "\n".join(lines) + "\n"


def _measure_free_bytes(folder: Path) -> int:
    import shutil

    return shutil.disk_usage(folder).free


def _read_database_and_release(folder: Path) -> tuple[str, str]:
    """The spec's; the defaults where there is no spec, or one that other commands will complain about."""
    from builder.core.errors import OptbuildError
    from builder.doctor import DEFAULT_DATABASE, DEFAULT_RELEASE
    from builder.image.spec.reader import read_spec  # pydantic

    try:
        spec = read_spec(folder)
    except OptbuildError:
        return DEFAULT_DATABASE, DEFAULT_RELEASE
    return spec.verify.database, spec.base.debian
