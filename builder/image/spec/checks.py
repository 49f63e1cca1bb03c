"""What single values do not show: whether the parts of a spec fit together."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from builder.airflow.releases import find_release
from builder.core.debian import RELEASE_PYTHON
from builder.core.errors import UnknownAirflowError
from builder.core.image_reference import normalize_image_name
from builder.core.naming import list_promoted_references
from builder.image.spec.airflow_checks import find_airflow_problems
from builder.image.spec.problem import SpecProblem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.image.spec.model import Spec

_DEBIAN, _PYTHON, _AIRFLOW = ("base", "debian"), ("python", "version"), ("airflow", "version")


def find_spec_problems(spec: Spec, faulty: frozenset[tuple[str | int, ...]] = frozenset()) -> Iterator[SpecProblem]:
    """Everything in ``spec`` that contradicts something else, or what is known of Debian and Airflow.

    Nothing is concluded from the keys that are ``faulty``: placeholders are there.
    """
    yield from _find_duplicates(spec)
    yield from _find_base_problems(spec)
    if spec.base.debian is not None and not faulty & {_DEBIAN, _PYTHON}:
        yield from _find_base_python_problems(spec)
    if not faulty & {("layers", "max"), ("build", "multi-stage")}:
        yield from _find_layer_problems(spec)
    if not faulty & {("image", "name"), ("verify", "database")}:
        yield from _find_name_problems(spec, known=_AIRFLOW not in faulty)
    yield from _find_contradictions(spec)
    yield from _find_file_problems(spec)
    if not any(path[:1] == ("build",) for path in faulty):
        yield from _find_run_problems(spec)
    if spec.image.kind == "base":
        yield from _find_idle_keys(spec)
    if _AIRFLOW not in faulty:
        yield from find_airflow_problems(spec, python=_PYTHON not in faulty)


def _find_duplicates(spec: Spec) -> Iterator[SpecProblem]:
    lists: dict[tuple[str, str], tuple[str, ...]] = {
        ("image", "tags"): spec.image.tags,
        ("airflow", "extras"): spec.airflow.extras,
        ("python", "requirements-files"): spec.python.requirements_files,
        ("apt", "runtime"): spec.apt.runtime,
        ("apt", "build"): spec.apt.build,
        ("build", "run"): spec.build.run,
        ("build", "run-files"): spec.build.run_files,
    }
    for path, values in lists.items():
        for index, value in enumerate(values):
            if value in values[:index]:
                yield SpecProblem((*path, index), f"{value} is there twice", "remove one of the two")


def _find_base_problems(spec: Spec) -> Iterator[SpecProblem]:
    """Exactly one base: where there are two, the first says what the image would be, so the others are too many."""
    named = [kind for kind in ("debian", "image", "airflow") if getattr(spec.base, kind) is not None]
    if not named:
        yield SpecProblem(
            ("base",), "it names no base", 'write debian = "bookworm", or image = "..." or airflow = "..."'
        )
    for kind in named[1:]:
        yield SpecProblem(("base", kind), f"there is a base already, {named[0]}", "keep one of the two")


def _find_base_python_problems(spec: Spec) -> Iterator[SpecProblem]:
    has = RELEASE_PYTHON[spec.base.debian or ""]
    if spec.python.version != has:
        message = f"Debian {spec.base.debian} has Python {has}, not {spec.python.version}"
        others = [name for name, python in RELEASE_PYTHON.items() if python == spec.python.version]
        hint = f'write version = "{has}"' + (f', or debian = "{others[0]}"' if others else "")
        yield SpecProblem(_PYTHON, message, hint)


def _find_idle_keys(spec: Spec) -> Iterator[SpecProblem]:
    """What only roles have or need."""
    for name in spec.roles:
        message = 'an image of kind = "base" starts no role: those that are made from it do'
        yield SpecProblem(("roles", name), message, "remove the table, or kind in [image]")
    for key in ("database", "broker"):
        if key in spec.verify.model_fields_set:
            message = 'an image of kind = "base" starts no role, so nothing would use it'
            yield SpecProblem(("verify", key), message, "remove the line, or kind in [image]")


def _find_layer_problems(spec: Spec) -> Iterator[SpecProblem]:
    """Without a number of layers, one stage has one; with one, a person would wait for layers that never come."""
    if not spec.build.multi_stage and spec.layers.max > 1 and "max" in spec.layers.model_fields_set:
        yield SpecProblem(
            ("layers", "max"),
            f"one stage makes one layer of Python packages, not {spec.layers.max}: multi-stage is false below [build]",
            "write max = 1 or remove it, or write multi-stage = true",
        )


def _find_name_problems(spec: Spec, *, known: bool) -> Iterator[SpecProblem]:
    database = spec.verify.database
    promoted = list_promoted_references(spec.image.name, spec.image.tags, _list_promoted_roles(spec, known=known))
    full = normalize_image_name(database)
    if full in map(normalize_image_name, promoted):
        message = f"the image would be promoted to {full}, which verify.database names"
        yield SpecProblem(("image", "name"), message, "choose another name")


def _list_promoted_roles(spec: Spec, *, known: bool) -> tuple[str, ...]:
    """The spec's own, and those that its Airflow version has by itself."""
    own: tuple[str, ...] = ()
    if spec.image.kind == "base":
        return own
    if known:
        with contextlib.suppress(UnknownAirflowError):  # reported already
            own = tuple(role.name for role in find_release(spec.airflow.version).roles)
    names = dict.fromkeys((*own, *spec.roles))
    return tuple(name for name in names if name not in spec.roles or spec.roles[name].enabled)


def _find_file_problems(spec: Spec) -> Iterator[SpecProblem]:
    """Two entries with one target: which one a container sees would depend on their order."""
    names = list(spec.files)
    for index, name in enumerate(names):
        other = next((one for one in names[:index] if spec.files[one] == spec.files[name]), None)
        if other is not None:
            message = f"{other} lies at {spec.files[name]} already"
            yield SpecProblem(("files", name), message, "give each its own path; a folder is named by itself")


def _find_run_problems(spec: Spec) -> Iterator[SpecProblem]:
    """Scripts of which nothing would remain, keys about scripts where there are none, and folders in each other."""
    build = spec.build
    if build.run and not build.run_folders:
        message = "nothing of what it makes would remain: run-folders does not say which folders go into the image"
        yield SpecProblem(("build", "run"), message, 'write run-folders = ["/opt/extra"], and let it write there')
    idle = {"run-folders": build.run_folders, "run-files": build.run_files, "run-network": build.run_network}
    for key in (key for key, value in idle.items() if value and not build.run):
        message = "it is about the scripts of run, and there are none"
        yield SpecProblem(("build", key), message, 'write run = ["scripts/extra.sh"], or remove the line')
    for index, folder in enumerate(build.run_folders):
        other = next(
            (one for one in build.run_folders[:index] if _is_within(folder, one) or _is_within(one, folder)), None
        )
        if other is not None:
            message = f"{folder} is {other}, or one of the two is in the other"
            yield SpecProblem(("build", "run-folders", index), message, "name the outer one alone")


def _is_within(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder}/")


def _find_contradictions(spec: Spec) -> Iterator[SpecProblem]:
    requirements = [Requirement(text) for text in spec.python.requirements]
    for index, requirement in enumerate(requirements):
        clash = next((other for other in requirements[:index] if is_conflict(other, requirement)), None)
        if clash is not None:
            yield SpecProblem(("python", "requirements", index), f"contradicts {clash}", "keep one of the two")


def is_conflict(one: Requirement, other: Requirement) -> bool:
    """Whether no version can satisfy both; sees exact pins only, the resolver finds the rest."""
    if canonicalize_name(one.name) != canonicalize_name(other.name) or one.marker != other.marker:
        return False
    pins = [(s.version, o) for r, o in ((one, other), (other, one)) for s in r.specifier if s.operator == "=="]
    return any(not o.specifier.contains(v, prereleases=True) for v, o in pins if not v.endswith(".*"))
