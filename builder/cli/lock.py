"""``optbuild lock``: spec to lock."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli.world import world_of
from builder.errors import LockFileError, LockUsageError, MissingFileError

if TYPE_CHECKING:
    from collections.abc import Container

    from builder.cli.world import World
    from builder.lock.model import Lock
    from builder.spec.model import Spec

LOCK_FILE = "optbuild.lock"


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


def command(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where optbuild.toml lies.")] = Path(),
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether the lock is that of the spec: exit code 1 if not.")
    ] = False,
    upgrade: Annotated[bool, typer.Option("--upgrade", help="Let every version move.")] = False,
    upgrade_package: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Let this distribution or Debian package move; may be repeated."),
    ] = None,
    constraints: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Take the constraints from this file instead of fetching them.")
    ] = None,
    refresh_debian: Annotated[
        bool, typer.Option("--refresh-debian", help="Only replace Debian versions that the release no longer offers.")
    ] = False,
    output: Annotated[Format, typer.Option("--format", help="A summary, or JSON.")] = Format.TEXT,
) -> None:
    """Resolve optbuild.toml to exact versions and hashes: optbuild.lock.

    Versions of an earlier lock stay where they can. Airflow's official constraints are preferences: each one that
    had to be given up is listed, with what forced it. --check needs no network.
    """
    world = world_of(ctx)
    moving = tuple(upgrade_package or ())
    if sum((check, refresh_debian, upgrade or bool(moving))) > 1:
        raise LockUsageError("--check, --refresh-debian and --upgrade exclude each other", hint="give one of them")
    spec, requirements = _spec(world.cwd / folder)
    path = spec.folder / LOCK_FILE
    if check:
        _check(world, spec, requirements, path, output)
        return
    previous = _previous(path, world, required=refresh_debian)
    _check_moving(moving, previous)
    if refresh_debian and previous is not None:
        lock = refreshed(world, spec, previous)
    else:
        given = None if constraints is None else world.cwd / constraints
        lock = _made(world, spec, requirements, previous, given=given, upgrade=upgrade, moving=moving)
    upgraded = {package.name for package in (*lock.runtime, *lock.build)} if upgrade else set(moving)
    _report(world, path, (previous, lock), output, upgraded)


def _spec(folder: Path) -> tuple[Spec, tuple[str, ...]]:
    from builder.spec.reader import read_spec  # noqa: PLC0415 - start-up of `optbuild --help`
    from builder.spec.requirements import read_requirements  # noqa: PLC0415

    spec = read_spec(folder)
    return spec, read_requirements(spec)


def _check(world: World, spec: Spec, requirements: tuple[str, ...], path: Path, output: Format) -> None:
    from builder.lock.check import differences  # noqa: PLC0415
    from builder.lock.document import read_lock  # noqa: PLC0415
    from builder.lock.inputs import inputs_of  # noqa: PLC0415
    from builder.lock.summary import check_json  # noqa: PLC0415

    found = differences(inputs_of(spec, requirements), read_lock(path))
    if output is Format.JSON:
        world.out.write(check_json(found))
        raise typer.Exit(1 if found else 0)
    if found:
        from builder.errors import StaleLockError  # noqa: PLC0415

        raise StaleLockError(found)
    world.out.write(f"{path.name} belongs to {Path(spec.file).name}.\n")


def _previous(path: Path, world: World, *, required: bool) -> Lock | None:
    """The lock before. One that cannot be read is replaced, as its own error message tells people to do."""
    from builder.lock.document import read_lock  # noqa: PLC0415

    try:
        return read_lock(path)
    except (MissingFileError, LockFileError) as error:
        if required:
            raise
        if isinstance(error, LockFileError):
            world.progress.note(f"the old lock is not used: {error.message}")
        return None


def _check_moving(names: tuple[str, ...], previous: Lock | None) -> None:
    """A misspelt name would move nothing and say nothing."""
    if previous is None:
        return
    from difflib import get_close_matches  # noqa: PLC0415

    parts = (previous.python, previous.build_requires, previous.runtime, previous.build)
    known = {one.name for part in parts for one in part}
    for name in names:
        if name not in known and name.lower().replace("_", "-").replace(".", "-") not in known:
            near = get_close_matches(name, known, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else "optbuild.lock lists the names"
            raise LockUsageError(f"--upgrade-package {name}: the lock has no such name", hint=hint)


def refreshed(world: World, spec: Spec, lock: Lock) -> Lock:
    """``lock`` with what the Debian release offers now; not yet written."""
    from builder.airflow.releases import release  # noqa: PLC0415
    from builder.lock.make import refresh_debian  # noqa: PLC0415

    return refresh_debian(
        spec,
        lock,
        release(spec.airflow.version),
        runner=world.runner,
        env=world.env,
        cache_folder=world.cache_folder,
        progress=world.progress,
    )


def _made(
    world: World,
    spec: Spec,
    requirements: tuple[str, ...],
    previous: Lock | None,
    *,
    given: Path | None,
    upgrade: bool,
    moving: tuple[str, ...],
) -> Lock:
    from builder.airflow.releases import release  # noqa: PLC0415
    from builder.cli.places import places_of  # noqa: PLC0415
    from builder.lock.make import Options, make_lock  # noqa: PLC0415
    from builder.lock.target import DEFAULT_PLATFORM  # noqa: PLC0415

    return make_lock(
        spec,
        requirements,
        release(spec.airflow.version),
        previous=previous,
        options=Options(
            sys.executable,
            given,
            upgrade,
            moving,
            platform=DEFAULT_PLATFORM if previous is None else previous.platform,
            places=places_of(spec),
        ),
        runner=world.runner,
        env=world.env,
        cache_folder=world.cache_folder,
        progress=world.progress,
    )


def _report(
    world: World, path: Path, locks: tuple[Lock | None, Lock], output: Format, upgraded: Container[str]
) -> None:
    """Write the second of ``locks`` unless the first, which is there now, says the same; then say what is in it."""
    from builder.lock.changes import changes  # noqa: PLC0415
    from builder.lock.document import write_lock  # noqa: PLC0415
    from builder.lock.summary import summary_json, summary_text  # noqa: PLC0415

    previous, lock = locks
    if lock != previous:
        write_lock(path, lock)
    moved = changes(previous, lock)
    text = summary_text(lock, moved, path.name, upgraded=upgraded)
    world.out.write(summary_json(lock, moved) if output is Format.JSON else text)
