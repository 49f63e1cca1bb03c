"""``optbuild init``: somebody's project to an optbuild.toml."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from builder.cli.formats import JSON, TEXT, format_result, make_format_option
from builder.cli.output import ResultFile, find_width
from builder.cli.runtime import find_runtime
from builder.core.errors import AdoptionError
from builder.core.naming import SPEC_FILE


class OtherBase(StrEnum):
    """Bases that may take the place of the project's own."""

    DEBIAN = "debian"


def command(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the project.")] = Path(),
    *,
    dockerfile: Annotated[
        str | None, typer.Option("--dockerfile", metavar="FILE", help="Of several Dockerfiles below DIR: this one.")
    ] = None,
    airflow_version: Annotated[
        str | None, typer.Option("--airflow-version", metavar="VERSION", help="Where no file says it, or two do.")
    ] = None,
    python: Annotated[
        str | None, typer.Option("--python", metavar="VERSION", help="Where no file says it, or two do: 3.11.")
    ] = None,
    base: Annotated[
        OtherBase | None,
        typer.Option("--base", help="Make the base here from Debian's packages, in place of the project's own."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the file and the report, and write nothing.")
    ] = False,
    output_format: Annotated[str, make_format_option("init")] = TEXT,
) -> None:
    """Write the optbuild.toml for what a project builds today.

    It reads the Dockerfile, lists of packages (requirements.txt, packages.txt, pyproject.toml, setup.cfg, uv.lock,
    poetry.lock) and the compose file. Behind each value stands the place that says it; what cannot be carried over is
    listed with file, line, reason and what to do. Nothing is overwritten, and versions that contradict each other are
    refused, not chosen.
    """
    from builder.adopt.decide import Choices
    from builder.image.spec.location import find_spec_file
    from builder.operations.init import InitOptions, run_init  # start-up of `optbuild --help`

    runtime = find_runtime(ctx)
    path = runtime.cwd / folder / SPEC_FILE
    shown = str(folder / SPEC_FILE)
    there = find_spec_file(runtime.cwd / folder) or (path if path.exists() else None)
    if there is not None and not dry_run:
        raise AdoptionError(
            f"{folder / there.name} describes the image already, and is not overwritten",
            hint="move it away, or add --dry-run to see what would be written",
        )
    choices = Choices(airflow_version, python, None if base is None else base.value)
    adoption = run_init(runtime, InitOptions(folder, dockerfile, choices))
    if not dry_run:
        ResultFile(runtime, path).save(adoption.text.encode())
    elif output_format != JSON:
        runtime.out.write(f"{adoption.text}\n")
    values = {"adoption": adoption, "path": shown, "written": not dry_run, "width": find_width(runtime)}
    runtime.out.write(format_result("init", output_format, values))
