"""``optbuild verify``: start every role of an image for real, and check it."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer evaluates the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli.output import output_file, write_output
from builder.cli.world import world_of
from builder.core.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.cli.output import ResultFile
    from builder.cli.world import World
    from builder.image.verify.model import Report
    from builder.image.verify.plan import VerifyPlan
    from builder.image.verify.scheduler import Listener


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"


def command(  # noqa: PLR0917 - a parameter per option
    ctx: typer.Context,
    subject: Annotated[
        str, typer.Argument(metavar="IMAGE|DIR", help="An image, or the folder of an optbuild.toml: its image.")
    ] = ".",
    output_format: Annotated[Format, typer.Option("--format", help="How the report is written.")] = Format.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the report there, not to stdout.")
    ] = None,
    database: Annotated[
        str | None, typer.Option("--database", metavar="IMAGE|sqlite", help="Instead of the spec's database.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="CHECK", help="This check and what it needs (repeatable).")
    ] = None,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="End at the first check that fails.")] = False,
) -> None:
    """Start every role of an image and check that it does its job.

    Database, migration, webserver, scheduler, a DAG run by it, packages, an arbitrary user id, what the layers hold,
    and stopping. OPTBUILD_DATABASE_URL names an existing PostgreSQL server to use instead of one that is started
    here. Exit code 1 when a check fails. Everything that it starts is removed again.
    """
    from builder.image.verify.run import verify_image  # the SDK and testcontainers

    world = world_of(ctx)
    file_out = output_file(world, output)
    image, plan = _subject(subject, world)
    if database is not None:
        plan = replace(plan, database=database)
    with _listener(world) as listener:
        report = verify_image(
            image,
            plan,
            env=_environment(world, database),
            runner=world.runner,
            progress=world.progress,
            cache_folder=world.cache_folder,
            state_folder=world.state_folder,
            only=tuple(only or ()),
            fail_fast=fail_fast,
            listener=listener,
        )
    _write(report, output_format, file_out, world)
    raise typer.Exit(ExitCode.DONE if report.passed else ExitCode.CHECK_FAILED)


def _environment(world: World, database: str | None) -> dict[str, str]:
    """A database named on the command line counts more than the environment's."""
    from builder.image.verify.database import DATABASE_URL_VARIABLE  # the SDK

    return {name: value for name, value in world.env.items() if database is None or name != DATABASE_URL_VARIABLE}


def _subject(subject: str, world: World) -> tuple[str, VerifyPlan]:
    """A folder with a spec is that; anything else is an image."""
    folder = world.cwd / subject
    if folder.is_dir() and (subject.startswith((".", "/")) or (folder / "optbuild.toml").exists()):
        return _of_folder(folder, world)
    return subject, _of_labels(subject, world)


def _of_folder(folder: Path, world: World) -> tuple[str, VerifyPlan]:
    """The promoted image, or, before the first promotion, the candidate."""
    from builder.core.naming import candidate_reference
    from builder.engine.client import connect  # the SDK
    from builder.image.render.context import render_context  # jinja2
    from builder.image.verify.plan import plan_for
    from builder.operations.project import load_project  # pydantic

    project = load_project(folder)
    plan = plan_for(project.spec, project.lock, project.roles)
    name = project.spec.image.name
    promoted = f"{name}:{project.spec.image.tags[0]}"
    with connect(world.env) as engine:
        if engine.image_id(promoted) is not None:
            return promoted, plan
    return candidate_reference(name, render_context(project.spec, project.lock).digest()), plan


def _of_labels(image: str, world: World) -> VerifyPlan:
    from builder.airflow.releases import release
    from builder.core.errors import VerifyUsageError
    from builder.engine.client import connect  # the SDK
    from builder.image.verify.plan import airflow_version_of, plan_from_labels

    with connect(world.env) as engine:
        found = engine.image(image)
    if found is None:
        raise VerifyUsageError(f"there is no image {image} on this engine", hint="build it (optbuild build) or pull it")
    return plan_from_labels(image, found.labels, release(airflow_version_of(image, found.labels)).roles)


@contextlib.contextmanager
def _listener(world: World) -> Iterator[Listener | None]:
    """A live table where bars would be; None leaves the lines to ``verify_image``."""
    from builder.core.progress import BarProgress
    from builder.report.live import LiveTable  # rich

    if not isinstance(world.progress, BarProgress):
        yield None
        return
    with LiveTable(world.err, color=world.color) as live:
        yield live


def _write(report: Report, output_format: Format, output: ResultFile | None, world: World) -> None:
    from builder.report.verification import FORMATS, failures_as_text  # rich

    write_output(output, FORMATS[output_format.value](report), world)
    if failures := failures_as_text(report):
        world.err.write(failures)
        world.err.flush()
