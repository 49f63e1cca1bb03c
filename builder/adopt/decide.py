"""From all that was found to one answer for each key: a version that two places contradict is refused, not chosen."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from builder.adopt.model import Base, Found
from builder.adopt.requirements import AIRFLOW, list_pins
from builder.airflow.images import parse_image_series
from builder.airflow.releases import find_release
from builder.core.debian import RELEASE_PYTHON
from builder.core.errors import AdoptionError, UnknownAirflowError, Where
from builder.core.image_reference import split_image_name
from builder.core.phrases import choose_verb, join_names
from builder.image.spec.requirements import iterate_logical_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from builder.adopt.model import Collection

CELERY = frozenset({"worker", "flower"})
_DEBIAN = {python: release for release, python in RELEASE_PYTHON.items()}
OPTION = "the command line"
_MOST_PATCHES = 30
"""No series of Python has had so many releases."""


@dataclass(frozen=True)
class Choices:
    """What a person gave on the command line; None: what the files say."""

    airflow: str | None = None
    python: str | None = None
    base: str | None = None
    """``debian``: a base that is made here, whatever the Dockerfile begins with."""


def check_base(base: Base, collection: Collection, choices: Choices) -> Base:
    """The base by a tag that is known. Raises AdoptionError: a variable in its name has no value, or it has no tag."""
    if base.kind == "debian" or choices.base == "debian":
        return base
    if "$" in base.name:
        hint = "give its ARG a default, or its value where the image is built (compose: `args:`), and run it again"
        raise AdoptionError(f"{base.where}: FROM {base.name}: a variable in it has no value", hint=hint)
    name, at, digest = base.name.partition("@")
    if not at:
        return base
    if not split_image_name(name)[1]:
        hint = f"write the tag that the digest had: FROM {name}:TAG@{digest[:19]}..."
        raise AdoptionError(
            f"{base.where}: FROM {name}@{digest[:19]}... has no tag: nothing says which image it is", hint=hint
        )
    text = f"the digest of {name}: `optbuild lock` pins the one that the tag has that day, and keeps it"
    collection.note(base.where, text)
    return replace(base, name=name)


def choose_airflow(collection: Collection, choices: Choices, base: Base, sources: tuple[str, ...]) -> Found:
    """Raises AdoptionError: two versions, or none."""
    if choices.airflow is not None:
        return Found(choices.airflow, Where(OPTION))
    places = "it is read from an image's tag, `apache-airflow==…` in a list of requirements, the address of constraints"
    series, tag = parse_image_series(base.name), ""
    if series is not None:
        tag = f", whose tag tells {series}, not which version of it"
        places = f"`docker run --rm --entrypoint airflow {base.name} version` prints it"
    nothing = _describe_sources(base, sources, tag)
    return _choose_one(collection.versions, "Airflow", nothing, "--airflow-version", places)


def _describe_sources(base: Base, sources: tuple[str, ...], tag: str = "") -> str:
    image = f" ({base.where} begins with {base.name}{tag})" if base.name else ""
    return f"nothing in {join_names(sources)}{image}"


def _choose_one(found: list[Found], what: str, nothing: str, option: str, places: str) -> Found:
    distinct = list({one.value: one for one in reversed(found)}.values())[::-1]
    if len(distinct) > 1:
        lines = "".join(f"\n  {one.value}: {one.where}" for one in dict.fromkeys(found))
        hint = f"make them one, or say which it is with {option} VERSION"
        raise AdoptionError(f"the files name {len(distinct)} versions of {what}:{lines}", hint=hint)
    if not distinct:
        hint = f"say it with {option} VERSION; {places}"
        raise AdoptionError(f"{nothing} says which version of {what} the project has", hint=hint)
    return distinct[0]


def choose_python(
    collection: Collection, choices: Choices, base: Base, airflow: str, sources: tuple[str, ...]
) -> Found:
    """Raises AdoptionError: two versions, or none where the base has its own."""
    if choices.python is not None:
        return Found(choices.python, Where(OPTION))
    fitting = _find_allowed_python(collection, airflow)
    if collection.pythons or (base.kind != "debian" and fitting is None):
        known = ", ".join(_find_pythons(airflow))
        places = f"it is read from an image's tag, or .python-version; Airflow {airflow} runs on {known}"
        found = _choose_one(collection.pythons, "Python", _describe_sources(base, sources), "--python", places)
        _check_ranges(found, collection)
        return found
    if fitting is not None:
        return fitting
    for one in collection.python_ranges:
        reason = f"no Debian release has such a Python, only {join_names(tuple(_DEBIAN))}"
        step = "name an image with it in [base], and it as version of [python]"
        collection.leave(one.where, one.value, reason, step)
    oldest = next((one for one in RELEASE_PYTHON.values() if one in _find_pythons(airflow)), None)
    if oldest is None:
        hint = "name an image with its Python: see [base] and [python] in the reference"
        raise AdoptionError(f"no Debian release has a Python that Airflow {airflow} runs on", hint=hint)
    return Found(oldest, base.where)


def _find_allowed_python(collection: Collection, airflow: str) -> Found | None:
    """The Python of a Debian release that all ranges of the project allow, rather one on which Airflow runs.

    None: there is none, or no range."""
    allowed = [one for one in RELEASE_PYTHON.values() if all(_allows(it, one) for it in collection.python_ranges)]
    best = sorted(allowed, key=lambda one: one not in _find_pythons(airflow))
    return Found(best[0], collection.python_ranges[0].where) if best and collection.python_ranges else None


def _allows(one: Found, python: str) -> bool:
    """Whether a range has a release of that series."""
    allowed = SpecifierSet(one.value.partition(" = ")[2])
    return any(allowed.contains(f"{python}.{patch}") for patch in range(_MOST_PATCHES))


def _check_ranges(python: Found, collection: Collection) -> None:
    """Raises AdoptionError: the project does not allow the Python that it would get."""
    for one in collection.python_ranges:
        if not _allows(one, python.value):
            rows = "".join(f"\n  {row.value}: {row.where}" for row in (python, one))
            hint = "make them agree, or say which it is with --python VERSION"
            raise AdoptionError(f"the files contradict each other about Python:{rows}", hint=hint)


def _find_pythons(airflow: str) -> tuple[str, ...]:
    try:
        return find_release(airflow).python_versions
    except UnknownAirflowError:
        return ()


def choose_base(base: Base, collection: Collection, choices: Choices) -> Base:
    """The project's own; a Debian base stands for images of Airflow with a contract of their own."""
    if base.kind == "managed":
        reason = "an image of Airflow with a start and a user of its own: a base of Debian's packages takes its place"
        step = "compare the report of `optbuild build --verify` with what that platform gives besides"
        collection.leave(base.where, f"FROM {base.name}", reason, step)
        if choices.python is None and not (collection.pythons or collection.python_ranges):
            reason = "which one that image has is not known here: the one of the Debian release takes its place"
            step = f"`docker run --rm --entrypoint python {base.name} --version` prints it; say it with --python"
            collection.leave(base.where, "its Python", reason, step)
        collection.extras += [Found("postgres", base.where)]
    if base.kind == "managed" or choices.base == "debian":
        if base.kind not in ("managed", "debian"):
            collection.note(
                base.where, f"{base.name} is replaced by a base of Debian's packages, as the command line says"
            )
            collection.extras += [Found("postgres", base.where)]
        return Base("debian", "", base.where)
    return base


def name_debian(base: Base, python: Found, collection: Collection) -> tuple[Base, Found]:
    """The release that has the Python, and that Python; another one is said."""
    if base.kind != "debian":
        return base, python
    release = _DEBIAN.get(python.value)
    if release is not None:
        return Base("debian", release, base.where), python
    other = RELEASE_PYTHON["bookworm"]
    reason = f"Debian has no Python {python.value}: bookworm, which stands for the base, has {other}"
    step = "check that the DAGs run on it, or name an image with the Python that you want in [base]"
    collection.leave(python.where, f"Python {python.value}", reason, step)
    return Base("debian", "bookworm", base.where), Found(other, python.where)


def add_role_extras(collection: Collection, airflow: str) -> list[Found]:
    """The roles that this Airflow has and does not start by itself; the extras that they need are added."""
    try:
        release = find_release(airflow)
    except UnknownAirflowError:
        return []
    optional = {role.name: role for role in release.optional_roles}
    found = {one.value: one for one in reversed(collection.roles) if one.value in optional}
    for name, one in found.items():
        collection.extras += [Found(extra, one.where) for extra in optional[name].needs_extras]
    return [found[name] for name in sorted(found)]


def choose_database(collection: Collection, base: Base, roles: list[Found]) -> Found | None:
    """The project's own; SQLite where nothing in the image would reach a PostgreSQL; None: what is taken anyway."""
    if collection.database is not None or base.kind == "airflow" or any(one.value in CELERY for one in roles):
        return collection.database
    texts = [one.value for one in (*collection.extras, *collection.requirements, *collection.requirement_files)]
    has_driver = any(re.search(r"postgres|psycopg|asyncpg|\.txt$", text) for text in texts)
    return None if has_driver else Found("sqlite", Where("no package here reaches another database"))


def apply_constraints(collection: Collection, read: Callable[[str], str | None]) -> Found | None:
    """The file that stands for Airflow's own constraints; of others, the pins of what is asked for join it."""
    whole: Found | None = None
    for file in collection.constraint_files:
        pins = list(list_pins(read(file.value) or ""))
        if any(name == AIRFLOW for _, name, _ in pins):
            whole = file
            continue
        asked = _list_asked_names(collection, read)
        held = [Found(pin, Where(file.value, line)) for line, name, pin in pins if name in asked]
        collection.requirements += held
        if len(pins) > len(held):
            others = [name for _, name, _ in pins if name not in asked]
            what = choose_verb(others, "is for a package", "are for packages")
            text = f"{len(others)} of its pins {what} that nobody asks for: the lock chooses by itself there"
            collection.note(Where(file.value), text)
    return whole


def _list_asked_names(collection: Collection, read: Callable[[str], str | None]) -> set[str]:
    lines: list[str] = [one.value for one in collection.requirements]
    for file in collection.requirement_files:
        lines += [line for _, line in iterate_logical_lines(read(file.value) or "")]
    return {canonicalize_name(Requirement(line.partition(" --")[0]).name) for line in lines}


def keep_first(found: Iterable[Found]) -> list[Found]:
    """Each value once, where it stands first."""
    return list({one.value: one for one in reversed(list(found))}.values())[::-1]
