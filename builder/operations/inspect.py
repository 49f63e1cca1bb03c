"""What ``optbuild inspect`` does: read, find what was asked for and allowed, analyse, judge."""

from __future__ import annotations

import contextlib
import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.core.image_reference import extract_repository
from builder.engine.endpoint import resolve
from builder.inspect.analyse import analyse
from builder.inspect.base import one_base
from builder.inspect.budget import Limits, judge, judge_dive, strangers
from builder.inspect.diff import diff
from builder.inspect.dive_config import DIVE_FILE, read_dive_file
from builder.inspect.machine import UNKNOWN, Machine, this_machine
from builder.operations.targets import content_of, must_be_there

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from builder.core.runtime import Runtime
    from builder.image.spec.model import Spec
    from builder.inspect.budget import DiveLimits
    from builder.inspect.diff import ImageDiff
    from builder.inspect.model import ImageContent, Inspection, Verdict

SPEC_FILE = "optbuild.toml"


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
class Inspected:
    """What is shown. ``notes`` are for stderr."""

    inspection: Inspection
    verdicts: tuple[Verdict, ...] = ()
    notes: tuple[str, ...] = ()


def inspected(runtime: Runtime, options: InspectOptions) -> Inspected:
    """Raises what reading an image raises, SpecError and DiveFileError: those before anything long is done."""
    dive = _dive_limits(runtime, options) if options.judged else None
    named = None if options.spec is None else _read_spec(runtime.cwd / options.spec)
    with _uncollected():
        content = content_of(options.subject, runtime, base=options.base, within=options.image)
        spec = named or _spec_here(runtime, content, options.subject)
        found = analyse(content, frozenset() if spec is None else wanted(spec), machine_of(runtime, options))
    limits = limits_of(spec) if spec is not None and options.judged else Limits()
    verdicts = (*judge(found, limits), *(() if dive is None else judge_dive(found, dive)))
    return Inspected(found, verdicts, tuple(strangers(found, limits)))


def looked_at(runtime: Runtime, subject: str, image: str | None) -> Inspection:
    """Without any file of a person beside it: for what judges no budget."""
    with _uncollected():
        content = content_of(subject, runtime, within=image)
        return analyse(content, machine=machine_of(runtime, InspectOptions(subject)))


def compared(runtime: Runtime, before: str, after: str, image: str | None) -> ImageDiff:
    """How two images differ, both judged alike: with one base, on one machine, by no spec, which is of one image."""
    for subject in (before, after):  # reading the first may take minutes
        must_be_there(subject, runtime)
    machine = machine_of(runtime, InspectOptions(before))
    with _uncollected():
        contents = one_base(*(content_of(subject, runtime, within=image) for subject in (before, after)))
        one, other = (analyse(content, machine=machine) for content in contents)
        return diff(one, other)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Hundreds of thousands of small tuples are made, and none of them in a circle: collecting would cost half the
    time.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def machine_of(runtime: Runtime, options: InspectOptions) -> Machine:
    """Of an engine on another machine nothing is known."""
    if options.gpu != "auto":
        return Machine(options.gpu == "yes", f"--gpu {options.gpu}")
    if (runtime.cwd / options.subject).is_file():  # an archive needs no engine, not even one that could be found
        return this_machine()
    return this_machine() if resolve(runtime.env).local else UNKNOWN


def _dive_limits(runtime: Runtime, options: InspectOptions) -> DiveLimits | None:
    if options.dive_ci is not None:
        return read_dive_file(runtime.cwd / options.dive_ci, str(options.dive_ci))
    here = runtime.cwd / DIVE_FILE
    return read_dive_file(here, DIVE_FILE) if here.is_file() else None


def _spec_here(runtime: Runtime, content: ImageContent, subject: str) -> Spec | None:
    """The optbuild.toml of the current folder, where it is this image's; reading it whole takes 0.2 s."""
    import tomllib  # most folders have no such file

    path = runtime.cwd / SPEC_FILE
    try:
        table = tomllib.loads(path.read_bytes().decode("utf-8-sig")).get("image")
        name = table.get("name") if isinstance(table, dict) else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError):  # a budget that cannot be read is none that was kept
        return _read_spec(path)
    return _read_spec(path) if is_named(str(name), (subject, *content.references)) else None


def is_named(name: str, references: Iterable[str]) -> bool:
    """Whether one of the references is ``name`` with any tag."""
    return extract_repository(name) in map(extract_repository, references)


def _read_spec(path: Path) -> Spec:
    from builder.image.spec.reader import read_spec  # pydantic

    return read_spec(path)


def wanted(spec: Spec) -> frozenset[str]:
    """What the spec asks for by name: requirements with their extras, Airflow's among them, and Debian packages."""
    from builder.image.spec.requirements import read_requirements  # pydantic

    extras = ",".join(spec.airflow.extras)
    airflow = f"apache-airflow[{extras}]" if extras else "apache-airflow"
    return frozenset({airflow, *read_requirements(spec), *spec.apt.runtime})


def limits_of(spec: Spec) -> Limits:
    """``[budget]`` in bytes and percent."""
    from builder.image.spec.types import bytes_of  # pydantic

    budget = spec.budget
    return Limits(
        None if budget.image_bytes is None else bytes_of(budget.image_bytes),
        None if budget.waste_bytes is None else bytes_of(budget.waste_bytes),
        budget.waste_percent,
        {name: bytes_of(text) for name, text in budget.package_bytes.items()},
    )
