"""Runs the context's base.sh or debs.sh, or takes what it made before from the same script and package lists."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from builder.core.debian import SOURCES_VARIABLE
from builder.core.errors import ToolFailedError, ToolMissingError, VanishedPackagesError
from builder.core.files import hold_lock
from builder.core.limits import BUILD_LIMIT
from builder.core.process import Command
from builder.image.base.leftovers import (
    OWNER_VARIABLE,
    PREFIX,
    make_scratch_folder,
    remove_leftover_bases,
    remove_scratch_folder,
    remove_unfinished_base,
)
from builder.image.base.recipes import find_recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.core.process import ProcessResult
    from builder.core.runtime import Runtime
    from builder.image.base.recipes import BaseRecipe
    from builder.image.render.model import BuildContext

EXIT_NO_TOOL, EXIT_VANISHED = 3, 4
KEPT_BASES = 4
"""Of each recipe, what stays in the cache; the ones unused for longest go (a base has about 125 MB)."""
ANEW_SUFFIX = "-anew"
"""Ends the name of a base that is made to be compared with the kept one of the same inputs."""


def hash_base_inputs(context: BuildContext) -> str:
    """sha256 (hex) of all that a base is made from."""
    total = hashlib.sha256()
    for name in find_recipe(context).inputs:
        data = context.find_file(name).data
        total.update(f"{name} {len(data)}\n".encode() + data)
    return total.hexdigest()


def make_base(runtime: Runtime, context: BuildContext, folder: Path) -> None:
    """Put what the script of ``context`` makes into ``folder``, where the context was written; made once per content.

    Raises :class:`VanishedPackagesError` when the mirror no longer has a locked version, :class:`ToolMissingError`
    without the script's tool and container, :class:`ToolFailedError` when it failed.
    """
    recipe = find_recipe(context)
    bases, progress = runtime.cache_folder / recipe.name, runtime.progress
    entry = bases / hash_base_inputs(context)
    with hold_lock(bases / ".lock", "making a base", on_wait=lambda who: progress.note(f"waiting for {who}")):
        for swept in remove_leftover_bases(bases):
            progress.note(f"removed {swept}: the optbuild that was making this base was killed")
        if not all((entry / product).exists() for product in recipe.products):
            _make_cache_entry(runtime, recipe, context, entry)
        os.utime(entry)
        _remove_oldest(bases)
        for product in recipe.products:
            _put(entry / product, folder / product)


def make_base_anew(runtime: Runtime, context: BuildContext, folder: Path) -> None:
    """As :func:`make_base`, but made now, whatever the cache holds; it keeps nothing of it."""
    recipe = find_recipe(context)
    bases, progress = runtime.cache_folder / recipe.name, runtime.progress
    with hold_lock(bases / ".lock", "making a base", on_wait=lambda who: progress.note(f"waiting for {who}")):
        for swept in remove_leftover_bases(bases):
            progress.note(f"removed {swept}: the optbuild that was making this base was killed")
        entry = bases / f"{hash_base_inputs(context)}{ANEW_SUFFIX}"
        try:
            _make_cache_entry(runtime, recipe, context, entry)
            for product in recipe.products:
                shutil.move(entry / product, folder / product)
        finally:
            shutil.rmtree(entry, ignore_errors=True)


def _make_cache_entry(runtime: Runtime, recipe: BaseRecipe, context: BuildContext, entry: Path) -> None:
    work = Path(tempfile.mkdtemp(prefix=PREFIX, dir=entry.parent))
    try:
        work.chmod(0o755)
        scratch = make_scratch_folder(work, _find_temporary_folder(runtime.env))
        for name in recipe.inputs:
            file = context.find_file(name)
            (work / name).write_bytes(file.data)
            (work / name).chmod(file.mode)
        with runtime.progress.task(recipe.task) as task:
            env = {**make_base_environment(runtime), OWNER_VARIABLE: str(work), "TMPDIR": str(scratch)}
            command = Command((str(work / recipe.script),), cwd=work, env=env, timeout=BUILD_LIMIT.read(env))
            said = f"{recipe.script}: "
            result = runtime.runner.run(command, on_err=lambda line: task.update(detail=line.removeprefix(said)))
            _check_base_result(recipe, result)
        remove_scratch_folder(work)
        shutil.rmtree(entry, ignore_errors=True)
        work.rename(entry)
    except BaseException:
        remove_unfinished_base(work)
        raise


def make_base_environment(runtime: Runtime) -> dict[str, str]:
    """The environment of the script, which runs in another folder: the person's sources file by its whole path."""
    sources = runtime.env.get(SOURCES_VARIABLE)
    return {**runtime.env, **({SOURCES_VARIABLE: str(runtime.cwd / sources)} if sources else {})}


def _find_temporary_folder(env: Mapping[str, str]) -> Path:
    """Where the person wants temporary files."""
    wanted = Path(env.get("TMPDIR") or "/tmp")  # noqa: S108 - what mktemp does; the folder made there has its own name
    return wanted if wanted.is_dir() else Path("/tmp")  # noqa: S108 - as above


def _check_base_result(recipe: BaseRecipe, result: ProcessResult) -> None:
    if result.ok:
        return
    if result.code == EXIT_VANISHED:
        mark = recipe.vanished_mark
        lines = [line.partition(mark)[2] for line in result.err.splitlines() if mark in line]
        raise VanishedPackagesError(tuple(dict.fromkeys(lines)))
    if result.code == EXIT_NO_TOOL:
        raise ToolMissingError(recipe.tool, hint=recipe.tool_hint)
    raise ToolFailedError(
        recipe.script, result.code, result.err, hint="check the machine's Debian mirror: apt-get update"
    )


def _remove_oldest(bases: Path) -> None:
    entries = [path for path in bases.iterdir() if path.is_dir() and not path.name.startswith(".")]
    for stale in sorted(entries, key=lambda path: -path.stat().st_mtime)[KEPT_BASES:]:
        shutil.rmtree(stale, ignore_errors=True)


def _put(source: Path, target: Path) -> None:
    """A file, or a folder of files."""
    if not source.is_dir():
        _link_or_copy(source, target)
        return
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for file in source.iterdir():
        _link_or_copy(file, target / file.name)


def _link_or_copy(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)
