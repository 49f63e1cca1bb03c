"""Spec → lock: Python distributions, what their libraries need, and the Debian packages, put together."""

from __future__ import annotations

import contextlib
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder.core.errors import LockError, UnsatisfiableError, Where
from builder.core.naming import LOCK_FILE
from builder.image.lock.check import find_lock_differences
from builder.image.lock.constraints import fetch_bytes, find_constraints
from builder.image.lock.debian import (
    PackageListSource,
    PackageRequest,
    ResolvedPackages,
    list_requested_packages,
    refresh_package_lists,
    resolve_packages,
    select_kept_versions,
)
from builder.image.lock.dependencies import list_root_requirements, resolve_dependencies
from builder.image.lock.document import format_lock_command
from builder.image.lock.dropped_constraints import find_dropped_constraints
from builder.image.lock.extras import check_extras
from builder.image.lock.inputs import make_lock_inputs
from builder.image.lock.layers.epoch import choose_epoch
from builder.image.lock.layers.plan import plan_layers
from builder.image.lock.libraries import (
    RequiredLibraries,
    find_provided_libraries,
    find_required_libraries,
    resolve_library_packages,
)
from builder.image.lock.model import Constraints, Lock
from builder.image.lock.present.distributions import PresentDistributions, list_present_versions, read_present
from builder.image.lock.present.packages import describe_package_upgrades, list_package_names
from builder.image.lock.present.preferences import make_preferences
from builder.image.lock.python_packages import PythonResolver, ResolvedPython
from builder.image.lock.sources.advice import list_source_advice
from builder.image.lock.sources.builder_stage import LockedBuilderStage, make_distribution
from builder.image.lock.target import DEFAULT_PLATFORM, find_lock_target, make_lock_target
from builder.image.lock.uv import find_uv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from builder.airflow.model import Release
    from builder.core.progress import Progress
    from builder.core.runtime import Runtime
    from builder.image.lock.apt import Apt
    from builder.image.lock.constraints import ConstraintsFile
    from builder.image.lock.foundation import Foundation, ReadFoundation
    from builder.image.lock.model import LockInputs
    from builder.image.lock.sources.builder_stage import WheelBuilder
    from builder.image.lock.target import LockTarget
    from builder.image.spec.model import Spec

ETC_APT = Path("/etc/apt")
"""Where a Debian machine has its package sources."""


@dataclass(frozen=True)
class LockOptions:
    """What the command line adds to the spec. ``interpreter`` is a Python that uv may ask and build with."""

    interpreter: str
    constraints: Path | None = None
    upgrade: bool = False
    upgrade_packages: tuple[str, ...] = ()
    """Names of Python distributions and of Debian packages."""
    platform: str = DEFAULT_PLATFORM
    etc_apt: Path = ETC_APT
    places: Mapping[str, Where] = field(default_factory=dict)
    """Where a person wrote a requirement (its normalised line) or a Debian package (its name)."""
    build_wheels: WheelBuilder | None = None
    """Builds in the builder stage what cannot be locked otherwise. None: nothing is built on an engine."""
    foundation: ReadFoundation | None = None
    """What the spec's base image holds; None for a Debian base."""


def make_lock(
    runtime: Runtime,
    spec: Spec,
    requirements: Sequence[str],
    release: Release,
    *,
    previous: Lock | None,
    options: LockOptions,
) -> Lock:
    """Resolve everything.

    ``requirements`` are the PEP 508 lines of the spec and of its requirements files; ``previous`` is the lock before,
    whose versions are kept where they need not move. The package lists are fetched while Python is resolved.
    """
    progress, cache_folder = runtime.progress, runtime.cache_folder
    inputs = make_lock_inputs(spec, requirements)
    foundation = None if options.foundation is None else options.foundation.foundation
    target = make_lock_target(inputs, options.platform, foundation)
    constraints = _find_constraints(runtime, spec, options.constraints)
    present = _read_present(progress, options.foundation, target)
    if release.is_newer:
        progress.note(f"Airflow {release.version} is newer than this optbuild: its series counts for it")
    archive = _make_list_source(runtime, options.etc_apt)
    kept = None if options.upgrade else previous
    uv = find_uv(runtime.runner, runtime.env, options.interpreter)
    with _read_meanwhile(progress, lambda: refresh_package_lists(target, archive)) as lists:

        def resolve_debian(needs: RequiredLibraries) -> ResolvedPackages:
            wishes = _make_package_request(inputs, release, needs, previous, options)
            return resolve_packages(lists.result(), target, wishes, progress.note)

        with progress.task("resolve Python distributions") as task:
            roots = list_root_requirements(inputs)
            stage = None
            if options.build_wheels is not None:
                before, make_wheels = RequiredLibraries((), ()), options.build_wheels
                stage = LockedBuilderStage(uv, target, inputs, lambda: resolve_debian(before), make_wheels, foundation)
            preferences = make_preferences(
                inputs, constraints, kept, foundation=foundation, upgrade_packages=options.upgrade_packages
            )
            resolver = PythonResolver(
                uv, target, *preferences, cache_folder, lambda detail: task.update(detail=detail), stage, present
            )
            with _locate_conflicts(options.places):
                python = resolver.resolve(roots)
            check_extras(roots, python.facts, options.places)
        needs = find_required_libraries(
            target,
            [python.facts[file.name] for file in python.files if file.kind == "wheel"],
            find_provided_libraries(foundation),
        )
        with progress.task("resolve Debian packages") as debian_task:
            packages = resolve_debian(needs)
            debian_task.update(detail=packages.describe())
    if replaced := describe_package_upgrades(packages.runtime, options.foundation):
        progress.note(replaced)
    for one in list_source_advice(inputs, python.files, python.facts, python.unbuilt, packages, foundation=foundation):
        progress.note(one)
    lock = _assemble_lock(
        target, inputs, constraints, options.foundation, python=python, needs=needs, packages=packages, previous=kept
    )
    found = find_lock_differences(inputs, lock)
    if found:
        reasons = "".join(f"\n    {reason}" for reason in found)
        raise LockError(
            f"what uv resolved does not hold together:{reasons}",
            hint=format_lock_command(spec.folder / LOCK_FILE, "--upgrade"),
        )
    return lock


def _read_present(progress: Progress, read: ReadFoundation | None, target: LockTarget) -> PresentDistributions:
    """What the foundation has; what it does not meet itself is said, for no spec is to blame for it."""
    present = read_present(read, target)
    if read is not None and present.unmet:
        reasons = "".join(f"\n    {one}" for one in present.unmet)
        progress.note(
            f"warning: {read.foundation.reference} does not hold together by itself, and that stays as it is: "
            f"`pip check` says so of it and of the image{reasons}"
        )
    return present


def _find_constraints(runtime: Runtime, spec: Spec, given: Path | None) -> ConstraintsFile | None:
    """The constraints, with a warning where they were made for something else."""

    def fetch(url: str) -> bytes:
        with runtime.progress.task("fetch the constraints"):
            return fetch_bytes(url)

    found = find_constraints(spec, given, runtime.cache_folder, fetch)
    if found is not None:
        origin = Constraints(found.version, found.sha256)
        if other := origin.describe_other_origin(spec.airflow.version, spec.python.version):
            runtime.progress.note(f"warning: {other}")
    return found


@contextlib.contextmanager
def _read_meanwhile(progress: Progress, read: Callable[[], Apt]) -> Iterator[Future[Apt]]:
    """Reads package lists while the block runs; one that fails waits for them, and says so: the mirror may be slow."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        lists = pool.submit(read)
        try:
            yield lists
        except Exception:
            if not lists.done():
                with progress.task("finish reading the package lists"):
                    wait([lists])
            raise


def refresh_debian(
    runtime: Runtime,
    spec: Spec,
    lock: Lock,
    release: Release,
    *,
    etc_apt: Path = ETC_APT,
    foundation: ReadFoundation | None = None,
) -> Lock:
    """``lock`` with the Debian versions that the release offers now, where it no longer offers the locked ones.

    Python stays as it is: nothing is resolved with uv. ``spec`` and ``lock`` belong together (``check_lock``), and so
    do ``lock`` and ``foundation``: the image of its digest, as it was read again.
    """
    stands_on, installed = _split_foundation(foundation)
    if (stands_on and stands_on.digest) != (lock.foundation and lock.foundation.digest):
        raise LockError(
            f"{LOCK_FILE} stands on another image than the one that was read",
            hint=format_lock_command(spec.folder / LOCK_FILE),
        )
    inputs, target = lock.inputs, find_lock_target(lock)
    wanted = list_requested_packages(inputs, release, (package for _, package in lock.shared_libraries), stands_on)
    places = {name: Where(spec.file, key="apt") for name in (*inputs.apt_runtime, *inputs.apt_build)}
    archive = _make_list_source(runtime, etc_apt)
    with runtime.progress.task("resolve Debian packages") as task:
        apt = refresh_package_lists(target, archive)
        kept = select_kept_versions(lock, (), stands_on)
        wishes = PackageRequest(wanted, inputs.apt_build, kept, places, installed)
        packages = resolve_packages(apt, target, wishes, runtime.progress.note)
        task.update(detail=packages.describe())
    return replace(lock, runtime=packages.runtime, build=packages.build)


def _make_list_source(runtime: Runtime, etc_apt: Path) -> PackageListSource:
    return PackageListSource(runtime.runner, runtime.env, runtime.cache_folder, etc_apt, runtime.progress.note)


@contextlib.contextmanager
def _locate_conflicts(places: Mapping[str, Where]) -> Iterator[None]:
    """Say where a person wrote the requirements that contradict each other."""
    try:
        yield
    except UnsatisfiableError as error:
        lines = tuple(f"{places[line]}: {line}" if line in places else line for line in error.involved)
        raise UnsatisfiableError(error.reason, error.involved, lines, error.present) from error


def _make_package_request(
    inputs: LockInputs, release: Release, needs: RequiredLibraries, previous: Lock | None, options: LockOptions
) -> PackageRequest:
    foundation, installed = _split_foundation(options.foundation)
    kept = {} if options.upgrade else select_kept_versions(previous, options.upgrade_packages, foundation)
    wanted = list_requested_packages(inputs, release, (package for _, package in needs.known), foundation)
    return PackageRequest(wanted, inputs.apt_build, kept, options.places, installed)


def _split_foundation(read: ReadFoundation | None) -> tuple[Foundation | None, str | None]:
    """The foundation, and dpkg's status file of it."""
    return (None, None) if read is None else (read.foundation, read.status)


def _assemble_lock(
    target: LockTarget,
    inputs: LockInputs,
    constraints: ConstraintsFile | None,
    read: ReadFoundation | None,
    *,
    python: ResolvedPython,
    needs: RequiredLibraries,
    packages: ResolvedPackages,
    previous: Lock | None,
) -> Lock:
    foundation = None if read is None else read.foundation
    roots = list_root_requirements(inputs)
    present = list_present_versions(foundation)
    requires = {name: facts.requires for name, facts in python.facts.items()}
    needed = resolve_dependencies(target, (*roots, *present), requires)
    distributions = tuple(make_distribution(file, needed[file.name]) for file in python.files)
    staying = {name: version for name, version in present.items() if name not in {one.name for one in distributions}}
    return Lock(
        platform=target.platform,
        inputs=inputs,
        constraints=None if constraints is None else Constraints(constraints.version, constraints.sha256),
        given_up=find_dropped_constraints(
            constraints,
            roots,
            distributions,
            previous,
            others=((f"{name} {version}", needed.get(name, ())) for name, version in staying.items()),
        ),
        source_date_epoch=choose_epoch((file.uploaded for file in python.files), read),
        uv=make_distribution(python.uv),
        python=distributions,
        build_requires=tuple(make_distribution(file) for file in python.tools),
        shared_libraries=resolve_library_packages(
            needs, list_package_names(packages.runtime, foundation), target.release
        ),
        runtime=packages.runtime,
        build=packages.build,
        layers=plan_layers({file.name: file.uploaded for file in python.files}, inputs.layers_max),
        foundation=foundation,
    )
