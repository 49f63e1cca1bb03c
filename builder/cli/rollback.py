"""``optbuild rollback``: undo the last optimize, byte for byte."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli.world import world_of
from builder.core.errors import OptbuildError

if TYPE_CHECKING:
    from builder.cli.world import World
    from builder.compose.model import ProjectFiles
    from builder.rollout.context import Outside
    from builder.rollout.journal import Journal
    from builder.rollout.undo import Undone


def command(  # noqa: PLR0917 - a parameter per option
    ctx: typer.Context,
    file: Annotated[
        list[str] | None,
        typer.Option("--file", "-f", metavar="FILE", help="A compose file (repeatable), as docker compose takes it."),
    ] = None,
    project_directory: Annotated[
        str | None,
        typer.Option("--project-directory", metavar="DIR", help="What relative paths in the files are relative to."),
    ] = None,
    project_name: Annotated[
        str | None, typer.Option("--project-name", "-p", metavar="NAME", help="Instead of the name of the folder.")
    ] = None,
    env_file: Annotated[
        list[str] | None,
        typer.Option("--env-file", metavar="FILE", help="Instead of .env, for the variables in the files."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=1, help="How long a step may take to be healthy.")
    ] = 300.0,
) -> None:
    """Undo the last `optbuild optimize` of this project.

    The files get their old bytes, image names point where they pointed, and the services that run start again from
    their old images; after `optimize --file-only`, the files alone. Also finishes or undoes an optimize that was
    killed. Refused when a file was edited since.
    """
    from builder.engine.compose import find_compose
    from builder.operations.plan import PlanOptions, find_project
    from builder.operations.project_lock import engine_if_any, one_at_a_time, outside_of, recovered

    world = world_of(ctx)
    files, _ = find_project(
        world, PlanOptions(tuple(file or ()), project_directory, project_name, tuple(env_file or ()))
    )
    cli = find_compose(world.runner, world.env)
    with engine_if_any(world) as (engine, missing):
        outside = outside_of(world, cli, engine, timeout)
        with one_at_a_time(outside, files, "rollback"):
            if missing is not None and _needs_engine(outside, files):
                raise missing
            if not recovered(outside, files):
                _roll_back(world, outside, files, yes=yes)


def _needs_engine(outside: Outside, files: ProjectFiles) -> bool:
    from builder.rollout.journal_file import read_journal

    journals = (read_journal(path) for path in (outside.opened(files), outside.committed(files)))
    return any(journal is not None and journal.engine for journal in journals)


def _roll_back(world: World, outside: Outside, files: ProjectFiles, *, yes: bool) -> None:
    from builder.rollout.journal_file import read_journal
    from builder.rollout.undo import check_possible, roll_back

    journal = read_journal(outside.committed(files))
    if journal is None:
        world.out.write("nothing to roll back: no optimize of this project is recorded on this machine\n")
        return
    check_possible(outside, journal)
    world.out.write(to_do(journal))
    world.out.flush()
    if not yes and not _agreed(world):
        return
    world.out.write(report(roll_back(outside, journal), journal.previous))


def to_do(journal: Journal) -> str:
    """What happens when the person says yes."""
    from builder.rollout.history import built_again

    names = [name for step in journal.steps for name in step]
    lines = [f"restore  {edit.path}, byte for byte" for edit in journal.edits]
    lines.append(
        f"restart  {', '.join(names)}, as far as they have containers, from their old images"
        if journal.engine
        else "leave    images and containers as they are: that optimize changed none"
    )
    if built_again(journal) & set(journal.cleaned):
        lines.append("build    the old images again, which were removed since")
    return "".join(f"  {line}\n" for line in lines)


def _agreed(world: World) -> bool:
    if not sys.stdin.isatty():
        raise OptbuildError(
            "there is no terminal to ask on, so nothing was done", hint="`optbuild rollback --yes` does it"
        )
    if typer.confirm("Do it?", default=False, err=True):
        return True
    world.err.write("nothing was done\n")
    return False


def report(undone: Undone, earlier: Journal | None) -> str:
    """What was put back; ``earlier`` is the run that can be undone next."""
    lines = [f"restored {path}" for path in undone.files]
    lines += [f"{name} is the image again that it was" for name in undone.references]
    for name, down in undone.downtime.items():
        stopped = "" if down.stopped is None else f", stopped for {down.stopped:.1f} s"
        until = "" if down.until_up is None else f", up after {down.until_up:.1f} s"
        lines.append(f"restarted {name}{stopped}{until}")
    if not lines:
        lines = ["nothing had to be put back: everything was as before optimize already"]
    if earlier is not None:
        at = datetime.fromtimestamp(earlier.at).astimezone().strftime("%Y-%m-%d %H:%M")
        lines.append(f"the optimize of {at} can be undone too: `optbuild rollback` again")
    return "".join(f"{line}\n" for line in lines)
