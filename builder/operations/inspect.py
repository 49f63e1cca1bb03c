"""What ``optbuild inspect`` does: read, find what was asked for and allowed, analyse, judge."""

from __future__ import annotations

import contextlib
import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.core.image_reference import extract_repository
from builder.engine.endpoint import resolve_endpoint
from builder.image.spec.location import PROJECT_FILE, find_spec_file, select_tool_table
from builder.inspect.analyse import analyze_image
from builder.inspect.base import apply_common_base
from builder.inspect.budget import BudgetLimits, check_dive_limits, check_limits, find_unknown_packages
from builder.inspect.diff import compare_images
from builder.inspect.dive_config import DIVE_FILE, read_dive_file
from builder.inspect.known_waste import remember_waste
from builder.inspect.machine import UNKNOWN, Machine, detect_machine
from builder.operations.targets import read_content, require_subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from builder.core.runtime import Runtime
    from builder.image.spec.model import Spec
    from builder.inspect.budget import DiveLimits
    from builder.inspect.diff import ImageDiff
    from builder.inspect.model import BudgetResult, ImageContent, Inspection


@dataclass(frozen=True)
class InspectOptions:
    """The command line."""

    subject: str
    base: str | None = None
    image: str | None = None
    spec: Path | None = None
    dive_ci: Path | None = None
    gpu: str = "auto"
    judged: bool = True
    """Whether the limits of a budget are looked for and held."""


@dataclass(frozen=True)
class InspectResult:
    """What is shown. ``notes`` are for stderr."""

    inspection: Inspection
    verdicts: tuple[BudgetResult, ...] = ()
    notes: tuple[str, ...] = ()


def run_inspect(runtime: Runtime, options: InspectOptions) -> InspectResult:
    """Raises what reading an image raises, SpecError and DiveFileError: those before anything long is done."""
    dive = _read_dive_limits(runtime, options) if options.judged else None
    named = None if options.spec is None else _load_spec(runtime.cwd / options.spec)
    with _pause_garbage_collection():
        content = read_content(options.subject, runtime, base=options.base, within=options.image)
        spec = named or _find_local_spec(runtime, content, options.subject)
        found = analyze_image(
            content, frozenset() if spec is None else collect_requested_packages(spec), choose_machine(runtime, options)
        )
    remember_waste(runtime.cache_folder, content.id, found.waste_bytes)
    limits = parse_limits(spec) if spec is not None and options.judged else BudgetLimits()
    verdicts = (*check_limits(found, limits), *(() if dive is None else check_dive_limits(found, dive)))
    return InspectResult(found, verdicts, tuple(find_unknown_packages(found, limits)))


def inspect_subject(runtime: Runtime, subject: str, image: str | None) -> Inspection:
    """Without any file of a person beside it: for what judges no budget."""
    with _pause_garbage_collection():
        content = read_content(subject, runtime, within=image)
        return analyze_image(content, machine=choose_machine(runtime, InspectOptions(subject)))


def compare_subjects(runtime: Runtime, before: str, after: str, image: str | None) -> ImageDiff:
    """How two images differ, both judged alike: with one base, on one machine, by no spec, which is of one image."""
    for subject in (before, after):  # reading the first may take minutes
        require_subject(subject, runtime)
    machine = choose_machine(runtime, InspectOptions(before))
    with _pause_garbage_collection():
        contents = apply_common_base(*(read_content(subject, runtime, within=image) for subject in (before, after)))
        one, other = (analyze_image(content, machine=machine) for content in contents)
        return compare_images(one, other)


@contextlib.contextmanager
def _pause_garbage_collection() -> Iterator[None]:
    """Hundreds of thousands of small tuples are made, and none of them in a circle: collecting would cost half the
    time.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def choose_machine(runtime: Runtime, options: InspectOptions) -> Machine:
    """Of an engine on another machine nothing is known."""
    if options.gpu != "auto":
        return Machine(options.gpu == "yes", f"--gpu {options.gpu}")
    if (runtime.cwd / options.subject).is_file():  # an archive needs no engine, not even one that could be found
        return detect_machine()
    return detect_machine() if resolve_endpoint(runtime.env).is_local else UNKNOWN


def _read_dive_limits(runtime: Runtime, options: InspectOptions) -> DiveLimits | None:
    if options.dive_ci is not None:
        return read_dive_file(runtime.cwd / options.dive_ci, str(options.dive_ci))
    here = runtime.cwd / DIVE_FILE
    return read_dive_file(here, DIVE_FILE) if here.is_file() else None


def _find_local_spec(runtime: Runtime, content: ImageContent, subject: str) -> Spec | None:
    """The spec of the current folder, where it is this image's; reading it whole takes 0.2 s."""
    import tomllib  # most folders have no such file

    path = find_spec_file(runtime.cwd)
    if path is None:
        return None
    try:
        document = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
        table = ((select_tool_table(document) or {}) if path.name == PROJECT_FILE else document).get("image")
        name = table.get("name") if isinstance(table, dict) else None
    except (OSError, ValueError):  # a budget that cannot be read was not kept
        return _load_spec(path)
    return _load_spec(path) if matches_any_reference(str(name), (subject, *content.references)) else None


def matches_any_reference(name: str, references: Iterable[str]) -> bool:
    """Whether one of the references is ``name`` with any tag."""
    return extract_repository(name) in map(extract_repository, references)


def _load_spec(path: Path) -> Spec:
    from builder.image.spec.reader import read_spec  # pydantic

    return read_spec(path)


def collect_requested_packages(spec: Spec) -> frozenset[str]:
    """What the spec asks for by name: requirements with their extras, Airflow's among them, and Debian packages."""
    from builder.image.spec.requirements import read_requirements  # pydantic

    extras = ",".join(spec.airflow.extras)
    airflow = f"apache-airflow[{extras}]" if extras else "apache-airflow"
    return frozenset({airflow, *read_requirements(spec), *spec.apt.runtime})


def parse_limits(spec: Spec) -> BudgetLimits:
    """``[budget]`` in bytes and percent."""
    from builder.image.spec.types import parse_byte_size  # pydantic

    budget = spec.budget
    return BudgetLimits(
        None if budget.image_bytes is None else parse_byte_size(budget.image_bytes),
        None if budget.waste_bytes is None else parse_byte_size(budget.waste_bytes),
        budget.waste_percent,
        {name: parse_byte_size(text) for name, text in budget.package_bytes.items()},
    )
