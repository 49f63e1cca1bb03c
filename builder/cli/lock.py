"""``optbuild lock``: spec to lock."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli.formats import TEXT, format_result, make_format_option
from builder.cli.output import ResultFile
from builder.cli.runtime import find_runtime
from builder.core.errors import LockUsageError
from builder.core.naming import LOCK_FILE
from builder.operations.base_image import read_base_image
from builder.operations.lock import (
    check_moving_names,
    read_inputs,
    read_previous_lock,
    refresh_debian_packages,
    resolve_lock,
)

if TYPE_CHECKING:
    from collections.abc import Container

    from builder.core.runtime import Runtime
    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec


class Platform(StrEnum):
    AMD64 = "linux/amd64"
    ARM64 = "linux/arm64"


def command(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of optbuild.toml.")] = Path(),
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Only check whether the lock matches the spec: exit code 1 if not.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Resolve and show what would move; write nothing.")
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
    refresh_base: Annotated[
        bool, typer.Option("--refresh-base", help="Ask the registry which digest the tag of the base image has now.")
    ] = False,
    platform: Annotated[
        Platform | None,
        typer.Option(help="The platform of the image. Without it: that of the existing lock, else this machine's."),
    ] = None,
    output_format: Annotated[str, make_format_option("lock")] = TEXT,
) -> None:
    """Resolve optbuild.toml to exact versions: optbuild.lock.

    Each has its hashes. Versions of an earlier lock stay where they can. Airflow's official constraints are
    preferences: each one that could not be kept is listed, with what forced it. A base image is read from the
    engine, or pulled, and stays at its digest until --refresh-base. --check needs neither network nor engine.
    """
    runtime = find_runtime(ctx)
    moving = tuple(upgrade_package or ())
    if sum((check, refresh_debian, upgrade or bool(moving))) > 1:
        raise LockUsageError("--check, --refresh-debian and --upgrade exclude each other", hint="give one of them")
    if refresh_base and (check or refresh_debian):
        mode = "--check" if check else "--refresh-debian"
        raise LockUsageError(f"{mode} leaves the base as it is: it takes no --refresh-base", hint="give one of them")
    if check and dry_run:
        raise LockUsageError("--check writes nothing anyway: it takes no --dry-run", hint="leave out one of them")
    _refuse_ignored_options(
        "--check" if check else "--refresh-debian" if refresh_debian else None, constraints, platform
    )
    from builder.image.lock.check import check_lock
    from builder.image.lock.make import LockOptions
    from builder.operations.lock_sources import locate_lock_sources  # start-up of `optbuild --help`

    spec, requirements = read_inputs(runtime.cwd / folder)
    if refresh_base and spec.base.kind == "debian":
        raise LockUsageError(
            "--refresh-base is for a base that is an image", hint="for a Debian base: --refresh-debian"
        )
    path = spec.folder / LOCK_FILE
    if check:
        _check_lock(runtime, spec, requirements, path, output_format)
        return
    file = None if dry_run else ResultFile(runtime, path, hint="correct what is there, or its owner and mode")
    previous = read_previous_lock(path, runtime, required=refresh_debian)
    check_moving_names(moving, previous)
    if refresh_debian and previous is not None:
        check_lock(spec, requirements, previous)
        lock = refresh_debian_packages(runtime, spec, previous)
    else:
        chosen = _choose_platform(platform, previous)
        options = LockOptions(
            sys.executable,
            None if constraints is None else runtime.cwd / constraints,
            upgrade,
            moving,
            platform=chosen,
            places=locate_lock_sources(spec),
            foundation=read_base_image(runtime, spec, previous, chosen, refresh=refresh_base),
        )
        lock = resolve_lock(runtime, spec, requirements, previous, options)
    upgraded = {package.name for package in (*lock.runtime, *lock.build)} if upgrade else set(moving)
    if file is None:
        runtime.progress.note(f"{path.name} was not written (--dry-run)")
    else:
        _write_if_changed(file, path, lock)
    _report_changes(runtime, path, (previous, lock), output_format, upgraded)


def _refuse_ignored_options(mode: str | None, constraints: Path | None, platform: Platform | None) -> None:
    """``mode`` is the flag that makes no Python versions: with it, these options would say nothing."""
    given = [name for name, value in (("--constraints", constraints), ("--platform", platform)) if value is not None]
    if mode and given:
        why = "only compares" if mode == "--check" else "leaves Python as it is"
        raise LockUsageError(f"{mode} {why}: it takes no {given[0]}", hint=f"leave out {given[0]}, or {mode}")


def _choose_platform(wanted: Platform | None, previous: Lock | None) -> str:
    """What was asked for, else that of the lock before, else this machine's own."""
    from platform import machine  # only where there is no lock yet

    from builder.image.lock.target import find_platform

    if wanted is not None:
        return wanted.value
    return find_platform(machine()) if previous is None else previous.platform


def _check_lock(runtime: Runtime, spec: Spec, requirements: tuple[str, ...], path: Path, output_format: str) -> None:
    from builder.image.lock.check import find_lock_differences, make_stale_error
    from builder.image.lock.document import read_lock
    from builder.image.lock.inputs import make_lock_inputs

    found = find_lock_differences(make_lock_inputs(spec, requirements), read_lock(path))
    if found and output_format == TEXT:
        raise make_stale_error(spec, found)
    names = {"name": path.name, "spec_name": Path(spec.file).name}
    runtime.out.write(format_result("lock", output_format, {"differences": found, **names}, variant="check"))
    raise typer.Exit(1 if found else 0)


def _write_if_changed(file: ResultFile, path: Path, lock: Lock) -> None:
    """Unless just its text is there now: then the file keeps its time."""
    from builder.image.lock.document import format_lock, is_written

    if not is_written(path, lock):
        file.save(format_lock(lock).encode())


def _report_changes(
    runtime: Runtime, path: Path, locks: tuple[Lock | None, Lock], output_format: str, upgraded: Container[str]
) -> None:
    """Say what is in the second of ``locks``, and what moved since the first."""
    from builder.image.lock.changes import compare_locks

    previous, lock = locks
    moved = compare_locks(previous, lock)
    values = {"lock": lock, "changes": moved, "name": path.name, "upgraded": upgraded}
    runtime.out.write(format_result("lock", output_format, values))
