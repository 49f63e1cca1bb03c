"""``optbuild lock``: spec to lock."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli.output import ResultFile
from builder.cli.world import world_of
from builder.core.errors import LockFileError, LockUsageError, MissingFileError

if TYPE_CHECKING:
    from collections.abc import Container

    from builder.cli.world import World
    from builder.image.lock.make import Options
    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec

LOCK_FILE = "optbuild.lock"


class Platform(StrEnum):
    AMD64 = "linux/amd64"
    ARM64 = "linux/arm64"


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
    platform: Annotated[
        Platform | None,
        typer.Option(help="What the image runs on. Without it: that of the lock that is there, else this machine's."),
    ] = None,
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
    _refuse_ignored("--check" if check else "--refresh-debian" if refresh_debian else None, constraints, platform)
    from builder.image.lock.check import check_lock
    from builder.image.lock.make import Options
    from builder.operations.lock_sources import places_of  # start-up of `optbuild --help`

    spec, requirements = _spec(world.cwd / folder)
    path = spec.folder / LOCK_FILE
    if check:
        _check(world, spec, requirements, path, output)
        return
    file = ResultFile(world, path, hint="correct what is there, or its owner and mode")
    previous = _previous(path, world, required=refresh_debian)
    _check_moving(moving, previous)
    if refresh_debian and previous is not None:
        check_lock(spec, requirements, previous)
        lock = refreshed(world, spec, previous)
    else:
        options = Options(
            sys.executable,
            None if constraints is None else world.cwd / constraints,
            upgrade,
            moving,
            platform=_platform(platform, previous),
            places=places_of(spec),
        )
        lock = _made(world, spec, requirements, previous, options)
    upgraded = {package.name for package in (*lock.runtime, *lock.build)} if upgrade else set(moving)
    _write(file, path, lock)
    _report(world, path, (previous, lock), output, upgraded)


def _refuse_ignored(mode: str | None, constraints: Path | None, platform: Platform | None) -> None:
    """``mode`` is the flag that makes no Python versions: with it, these options would say nothing."""
    given = [name for name, value in (("--constraints", constraints), ("--platform", platform)) if value is not None]
    if mode and given:
        why = "only compares" if mode == "--check" else "leaves Python as it is"
        raise LockUsageError(f"{mode} {why}: it takes no {given[0]}", hint=f"leave out {given[0]}, or {mode}")


def _platform(wanted: Platform | None, previous: Lock | None) -> str:
    """What was asked for, else that of the lock before, else this machine's own."""
    from platform import machine  # only where there is no lock yet

    from builder.image.lock.target import platform_of

    if wanted is not None:
        return wanted.value
    return platform_of(machine()) if previous is None else previous.platform


def _spec(folder: Path) -> tuple[Spec, tuple[str, ...]]:
    from builder.image.spec.reader import read_spec  # start-up of `optbuild --help`
    from builder.image.spec.requirements import read_requirements

    spec = read_spec(folder)
    return spec, read_requirements(spec)


def _check(world: World, spec: Spec, requirements: tuple[str, ...], path: Path, output: Format) -> None:
    from builder.image.lock.check import differences, stale
    from builder.image.lock.document import read_lock
    from builder.image.lock.inputs import inputs_of
    from builder.image.lock.summary import check_json

    found = differences(inputs_of(spec, requirements), read_lock(path))
    if output is Format.JSON:
        world.out.write(check_json(found))
        raise typer.Exit(1 if found else 0)
    if found:
        raise stale(spec, found)
    world.out.write(f"{path.name} belongs to {Path(spec.file).name}.\n")


def _previous(path: Path, world: World, *, required: bool) -> Lock | None:
    """The lock before. One that cannot be read is replaced, as its own error message tells people to do."""
    from builder.image.lock.document import read_lock

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
    from difflib import get_close_matches

    parts = (previous.python, previous.build_requires, previous.runtime, previous.build)
    known = {one.name for part in parts for one in part}
    for name in names:
        if name not in known and name.lower().replace("_", "-").replace(".", "-") not in known:
            near = get_close_matches(name, known, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else "optbuild.lock lists the names"
            raise LockUsageError(f"--upgrade-package {name}: the lock has no such name", hint=hint)


def refreshed(world: World, spec: Spec, lock: Lock) -> Lock:
    """``lock`` with what the Debian release offers now; not yet written."""
    from builder.airflow.releases import release
    from builder.image.lock.make import refresh_debian

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
    options: Options,
) -> Lock:
    from builder.airflow.releases import release
    from builder.image.lock.make import make_lock

    return make_lock(
        spec,
        requirements,
        release(spec.airflow.version),
        previous=previous,
        options=options,
        runner=world.runner,
        env=world.env,
        cache_folder=world.cache_folder,
        progress=world.progress,
    )


def _write(file: ResultFile, path: Path, lock: Lock) -> None:
    """Unless just its text is there now: then the file keeps its time."""
    from builder.image.lock.document import dumps, is_written

    if not is_written(path, lock):
        file.save(dumps(lock).encode())


def _report(
    world: World, path: Path, locks: tuple[Lock | None, Lock], output: Format, upgraded: Container[str]
) -> None:
    """Say what is in the second of ``locks``, and what moved since the first."""
    from builder.image.lock.changes import changes
    from builder.image.lock.summary import summary_json, summary_text

    previous, lock = locks
    moved = changes(previous, lock)
    text = summary_text(lock, moved, path.name, upgraded=upgraded)
    world.out.write(summary_json(lock, moved) if output is Format.JSON else text)
