"""What the product makes of a whole project, and whether the project can still be used in every way afterwards."""

from __future__ import annotations

import json
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from own_projects import STACK, WATCH
from pasted_fixes import FixCount, add_counts, apply_dockerfile_fixes, paste_service_keys
from real_files import RUNNER, environment
from seed_project import MAIN

from builder.compose.load.config import load_config
from builder.compose.rewrite.check import prove_edits
from builder.core.errors import UnprovenEditError
from builder.core.image_reference import has_registry
from builder.core.process import Command
from builder.core.progress import SilentProgress
from builder.core.runtime import Runtime
from builder.operations.plan import PlanOptions, run_plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from builder.compose.planned import PlanResult

AT_ONCE = 3
"""Compose calls at a time: two processors, and one that waits for the disk."""


@dataclass(frozen=True)
class Reach:
    """``ways``: each that was asked for, and what is wrong with it afterwards; empty: nothing."""

    groups: tuple[str, ...]
    builders: tuple[str, ...]
    findings: frozenset[str]
    ways: Mapping[tuple[str, ...], str]
    refused: str
    """Why `optimize` does not write what the plan shows; empty: it does."""
    fixes: FixCount


def examine_project(source: Path, parent: Path, ways: Iterable[tuple[str, ...]] = ()) -> Reach:
    """``parent``: an empty folder; the project is copied into one below it. No engine is asked."""
    folder = parent / source.name
    shutil.copytree(source, folder)
    runtime = make_runtime(folder)
    result = run_plan(runtime, PlanOptions())
    before = {way: describe_use(folder, way) for way in ways}
    fixes = apply_dockerfile_fixes(result.plan.project, result.plan.findings)
    refused = write_edits(runtime, result)
    after = {way: compare_uses(use, describe_use(folder, way)) for way, use in before.items()}
    files = tuple(str(path) for path in result.files.files)
    pasted = paste_service_keys(folder, files, result.plan.findings, runtime.env)
    return Reach(
        tuple(" ".join(one.group.names) for one in result.plan.groups if one.group.airflow),
        tuple(one.target.builder or "nobody" for one in result.plan.groups if one.target is not None),
        frozenset(" ".join((one.code, *one.services)) for one in result.plan.findings if one.code != "OB104"),
        after,
        refused,
        add_counts(pasted, fixes),
    )


def examine_projects(sources: Mapping[Path, tuple[tuple[str, ...], ...]], parent: Path) -> dict[str, Reach]:
    """Folder → ways to look at; the answers by the folders' names."""
    for source in sources:
        (parent / source.name).mkdir()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = pool.map(lambda one: examine_project(one, parent / one.name, sources[one]), sources)
        return dict(zip((source.name for source in sources), answers, strict=True))


def make_runtime(folder: Path) -> Runtime:
    """In ``folder``, as somebody who has no engine; state and cache lie beside it."""
    env = environment(
        DOCKER_HOST=f"unix://{folder.parent}/no-engine",
        XDG_STATE_HOME=str(folder.parent / ".state"),
        XDG_CACHE_HOME=str(folder.parent / ".cache"),
        HOME=str(folder.parent),
        PWD=str(folder),
    )
    return Runtime(env, folder, sys.stdout, sys.stderr, RUNNER, SilentProgress(), color=False)


def optimize_files(folder: Path, *options: str) -> None:
    """What a person gets who has no engine and types `optbuild optimize --file-only --yes`."""
    argv = (sys.executable, "-c", MAIN, "optimize", "--file-only", "--yes", *options)
    done = RUNNER.run(Command(argv, cwd=folder, env=make_runtime(folder).env))
    assert done.ok, done.err


def write_edits(runtime: Runtime, result: PlanResult) -> str:
    """As `optimize --file-only` does: proven first. Why they are not written; empty: they are."""
    plan = result.plan
    edits = tuple(edit for edit in plan.edits if edit.changes)
    targets = tuple(one.target for one in plan.groups if one.target is not None)
    try:
        prove_edits(
            plan.project,
            edits,
            targets,
            lambda overlay: load_config(result.files, result.cli, runtime.runner, runtime.env, overlay=overlay),
        )
    except UnprovenEditError as error:
        return error.message
    for edit in edits:
        edit.path.write_bytes(edit.after)
    return ""


@dataclass(frozen=True)
class Use:
    """What one way gives. ``refused``: why it is not valid; empty: it is."""

    refused: str = ""
    registry_images: Mapping[str, tuple[str, str | None]] | None = None
    """Service → image and pull policy, where the image is a registry's."""
    watched: frozenset[str] = frozenset()
    """Services that `docker compose watch` can watch: it passes over those that build nothing."""


def describe_use(folder: Path, way: tuple[str, ...]) -> Use:
    if way == STACK:
        main = next(path.name for path in sorted(folder.glob("*compose.y*ml")))
        done = RUNNER.run(Command(("docker", "stack", "config", "--compose-file", main), cwd=folder, env=environment()))
        return Use(refused="" if done.ok else done.err.strip())
    files = () if way == WATCH else tuple(word for name in way for word in ("--file", name))
    argv = ("docker", "compose", *files, "--profile", "*", "config", "--format", "json")
    done = RUNNER.run(Command(argv, cwd=folder, env=environment(PWD=str(folder))))
    if not done.ok:
        return Use(refused=done.err.strip())
    services: dict[str, Any] = json.loads(done.out)["services"]
    return Use(
        registry_images={
            name: (one["image"], one.get("pull_policy"))
            for name, one in services.items()
            if has_registry(one.get("image", ""))
        },
        watched=frozenset(name for name, one in services.items() if "develop" in one and "build" in one),
    )


def compare_uses(before: Use, after: Use) -> str:
    """What was valid and is not any more."""
    if before.refused:
        return f"was not valid before: {before.refused}"
    if after.refused:
        return after.refused
    if before.registry_images != after.registry_images:
        return f"{before.registry_images} becomes {after.registry_images}"
    lost = before.watched - after.watched
    return f"no longer watched: {', '.join(sorted(lost))}" if lost else ""
