"""``optbuild init``: somebody's project to an optbuild.toml."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli.formats import JSON, TEXT, format_result, make_format_option
from builder.cli.output import ResultFile, find_width
from builder.cli.runtime import find_runtime
from builder.core.errors import AdoptionError, UnwritableError
from builder.core.naming import SCHEMA_FILE, SPEC_FILE

if TYPE_CHECKING:
    from builder.adopt.model import Adoption, SchemaFile
    from builder.core.runtime import Runtime


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
    schema: Annotated[
        bool,
        typer.Option(
            "--schema/--no-schema",
            help="Also write optbuild.schema.json: editors complete and check the file by it.",
        ),
    ] = True,
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
    path = folder / SPEC_FILE
    there = find_spec_file(runtime.cwd / folder) or (path if (runtime.cwd / path).exists() else None)
    if there is not None and not dry_run:
        raise AdoptionError(
            f"{folder / there.name} describes the image already, and is not overwritten",
            hint="move it away, or add --dry-run to see what would be written",
        )
    choices = Choices(airflow_version, python, None if base is None else base.value)
    adoption = run_init(runtime, InitOptions(folder, dockerfile, choices, schema))
    beside = _prepare_schema(runtime, folder) if schema else None
    if not dry_run:
        _save_files(runtime, path, adoption, beside)
    elif output_format != JSON:
        runtime.out.write(f"{adoption.text}\n")
    values = {"adoption": adoption, "path": str(path), "schema": beside, "written": not dry_run}
    runtime.out.write(format_result("init", output_format, {**values, "width": find_width(runtime)}))


def _prepare_schema(runtime: Runtime, folder: Path) -> SchemaFile:
    """Raises UnwritableError where something lies there that cannot be read as a file."""
    from builder.adopt.model import SchemaFile
    from builder.core.files import read_regular_file
    from builder.image.spec.schema import format_schema

    path = folder / SCHEMA_FILE
    try:
        there = read_regular_file(runtime.cwd / path)
    except FileNotFoundError:
        there = None
    except OSError as error:
        hint = "move it away, or add --no-schema"
        raise UnwritableError(str(path), error.strerror or str(error), hint=hint) from error
    return SchemaFile(str(path), format_schema(), there)


def _save_files(runtime: Runtime, path: Path, adoption: Adoption, schema: SchemaFile | None) -> None:
    """The schema last: a spec is worth having without it, and it is worth nothing without a spec."""
    file = ResultFile(runtime, path)
    beside = ResultFile(runtime, Path(schema.path)) if schema is not None and schema.is_new else None
    file.save(adoption.text.encode())
    if beside is not None and schema is not None:
        beside.save(schema.text.encode())
