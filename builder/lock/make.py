"""Spec → lock: Python distributions, what their libraries need, and the Debian packages, put together."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from builder.base.packages import runtime_seeds
from builder.lock.constraints import ConstraintsFile, find_constraints, wanted_constraints
from builder.lock.debian import resolve_packages
from builder.lock.dependencies import dependencies
from builder.lock.givenup import given_up
from builder.lock.installed import collect_facts
from builder.lock.libraries import find_needs, provided
from builder.lock.model import Constraints, Distribution, Inputs, Lock
from builder.lock.resolve import Preferences, resolve_files, resolve_pins
from builder.lock.sdists import build_requirements
from builder.lock.target import DEFAULT_PLATFORM, Target
from builder.lock.uvtool import Uv, this_uv

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from builder.airflow.model import Release
    from builder.lock.facts import Facts
    from builder.lock.pylock import LockedFile
    from builder.process import Runner
    from builder.progress import Progress, Task
    from builder.spec.model import Spec

FALLBACK_EPOCH = 315_532_800
"""1980-01-01, the oldest time a zip file can hold: for an index that does not say when files were uploaded."""


@dataclass(frozen=True)
class Options:
    """What the command line adds to the spec. ``interpreter`` is a Python that uv may ask and build with."""

    interpreter: str
    constraints: Path | None = None
    upgrade: bool = False
    upgrade_packages: tuple[str, ...] = ()
    platform: str = DEFAULT_PLATFORM
    etc_apt: Path = Path("/etc/apt")


@dataclass(frozen=True)
class PythonPart:
    """The Python half of a lock, and the facts that the Debian half needs."""

    files: tuple[LockedFile, ...]
    tools: tuple[LockedFile, ...]
    uv: LockedFile
    facts: Mapping[str, Facts]


def inputs_of(spec: Spec, requirements: Sequence[str]) -> Inputs:
    """What of the spec a lock depends on, in one normal form."""
    return Inputs(
        airflow=spec.airflow.version,
        extras=tuple(sorted({canonicalize_name(extra) for extra in spec.airflow.extras})),
        python=spec.python.version,
        requirements=tuple(sorted(set(requirements))),
        constraints=wanted_constraints(spec),
        debian=spec.base.debian,
        apt_runtime=tuple(sorted(set(spec.apt.runtime))),
        apt_build=tuple(sorted(set(spec.apt.build))),
    )


def make_lock(
    spec: Spec,
    requirements: Sequence[str],
    release: Release,
    *,
    previous: Lock | None,
    options: Options,
    runner: Runner,
    env: Mapping[str, str],
    cache_folder: Path,
    progress: Progress,
) -> Lock:
    """Resolve everything. ``requirements`` are the PEP 508 lines of the spec and of its requirements files."""
    target = Target(spec.python.version, spec.base.debian, options.platform)
    inputs = inputs_of(spec, requirements)
    uv = this_uv(runner, env, options.interpreter)
    preferred = _previous_pins(previous, options)
    constraints = find_constraints(spec, options.constraints, cache_folder)
    with progress.task("Resolving Python distributions") as task:
        python = _python(uv, target, inputs, constraints, preferred, cache_folder, task)
    needs = find_needs(target, [python.facts[file.name] for file in python.files if file.kind == "wheel"])
    with progress.task("Resolving Debian packages") as task:
        packages = resolve_packages(
            target,
            _seeds(inputs, release, tuple(package for _, package in needs.known)),
            inputs.apt_build,
            _previous_debian(previous, options),
            runner=runner,
            env=env,
            cache_folder=cache_folder,
            etc_apt=options.etc_apt,
        )
        task.update(detail=f"{len(packages.runtime)} for the image, {len(packages.build)} more to build")
    roots = root_requirements(inputs)
    needed = dependencies(target, roots, {name: facts.requires for name, facts in python.facts.items()})
    distributions = tuple(_distribution(file, needed[file.name]) for file in python.files)
    return Lock(
        platform=options.platform,
        inputs=inputs,
        constraints=None if constraints is None else Constraints(constraints.version, constraints.sha256),
        given_up=given_up(constraints, roots, distributions),
        source_date_epoch=max((file.uploaded or 0 for file in python.files), default=0) or FALLBACK_EPOCH,
        uv=_distribution(python.uv),
        python=distributions,
        build_requires=tuple(_distribution(file) for file in python.tools),
        shared_libraries=provided(needs, (package.name for package in packages.runtime), target.release),
        runtime=packages.runtime,
        build=packages.build,
    )


def root_requirements(inputs: Inputs) -> tuple[str, ...]:
    """What is resolved: Airflow itself, always pinned, and the user's lines."""
    extras = f"[{','.join(inputs.extras)}]" if inputs.extras else ""
    return (f"apache-airflow{extras}=={inputs.airflow}", *inputs.requirements)


def _python(
    uv: Uv,
    target: Target,
    inputs: Inputs,
    constraints: ConstraintsFile | None,
    previous: tuple[Mapping[str, str], Mapping[str, str]],
    cache_folder: Path,
    task: Task,
) -> PythonPart:
    cache_folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="resolve-", dir=cache_folder) as name:
        scratch = Path(name)
        preferences = Preferences(constraints.pins if constraints else {}, previous[0])
        pins = resolve_pins(uv, target, root_requirements(inputs), preferences, scratch)
        task.update(detail=f"{len(pins)} distributions, reading their hashes")
        files = resolve_files(uv, target, pins, scratch)
        sdists = [file for file in files if file.kind == "sdist"]
        tools: tuple[LockedFile, ...] = ()
        if sdists:
            wanted = build_requirements(uv, sdists, cache_folder, scratch)
            tools = resolve_files(uv, target, resolve_pins(uv, target, wanted, Preferences(previous=previous[1]), scratch), scratch)
        (own,) = resolve_files(uv, target, {"uv": uv.version}, scratch)
    task.update(detail=f"{len(files)} distributions, reading their metadata and libraries")
    return PythonPart(files, tools, own, collect_facts(uv, target, files, tools, cache_folder))


def _previous_pins(previous: Lock | None, options: Options) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """(distributions, build requirements) to keep where possible."""
    if previous is None or options.upgrade:
        return {}, {}
    moving = {canonicalize_name(name) for name in options.upgrade_packages}
    kept = [{one.name: one.version for one in part if one.name not in moving} for part in (previous.python, previous.build_requires)]
    return kept[0], kept[1]


def _previous_debian(previous: Lock | None, options: Options) -> dict[str, str]:
    if previous is None or options.upgrade:
        return {}
    packages = (*previous.runtime, *previous.build)
    return {one.name: one.version for one in packages if one.name not in options.upgrade_packages}


def _seeds(inputs: Inputs, release: Release, libraries: tuple[str, ...]) -> tuple[str, ...]:
    return runtime_seeds(inputs.python, gosu=release.uses_gosu, extra=(*inputs.apt_runtime, *libraries))


def _distribution(file: LockedFile, needed: tuple[str, ...] = ()) -> Distribution:
    return Distribution(file.name, file.version, file.kind, file.sha256, file.size, needed)
