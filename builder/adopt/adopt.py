"""A filled collection and its base → the spec: decided, written, and read again as any other spec is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.adopt.decide import (
    CELERY,
    add_role_extras,
    apply_constraints,
    check_base,
    choose_airflow,
    choose_base,
    choose_database,
    choose_python,
    keep_first,
    name_debian,
)
from builder.adopt.metadata import PROJECT, SETUP
from builder.adopt.model import Adoption, Found
from builder.adopt.values import find_refusal
from builder.adopt.write import SpecWriter
from builder.core.errors import AdoptionError, InvalidSpecError, SpecError, Where
from builder.core.naming import SPEC_FILE
from builder.image.spec.reader import parse_spec
from builder.image.spec.requirements import read_requirements

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.adopt.decide import Choices
    from builder.adopt.model import Base, Collection

_TAGS = re.compile(r"[^a-z0-9]+")


def make_adoption(
    collection: Collection,
    base: Base,
    choices: Choices,
    *,
    folder: Path,
    read: Callable[[str], str | None],
    sources: tuple[str, ...],
    has_schema: bool,
) -> Adoption:
    """Raises AdoptionError for contradictions, SpecError where the values do not fit together."""
    base = check_base(base, collection, choices)
    airflow = choose_airflow(collection, choices, base, sources)
    base = choose_base(base, collection, choices)
    base, python = name_debian(base, choose_python(collection, choices, base, airflow.value, sources), collection)
    roles = add_role_extras(collection, airflow.value)
    constraints = apply_constraints(collection, read)
    writer = SpecWriter()
    _write_image(writer, collection, folder)
    writer.add_base(base)
    writer.add_table("airflow")
    writer.add_value("version", airflow.value, airflow.where)
    writer.add_list("extras", keep_first(collection.extras))
    if constraints is not None:
        writer.add_value("constraints", constraints.value, constraints.where)
    _write_packages(writer, collection, python)
    if collection.left_runs:
        writer.add_script_offer(collection.left_runs)
    writer.add_mapping("files", collection.files)
    for role in roles:
        writer.lines += ["", f"[roles.{role.value}]  # {role.where}"]
    _write_servers(writer, choose_database(collection, base, roles), _choose_broker(collection, roles))
    if collection.left_parts:
        left = ", ".join(collection.left_parts)
        place = SETUP if read(PROJECT) is None else PROJECT
        collection.note(Where(place), f"extras and groups of its own are not installed: {left}")
    points = tuple(sorted(collection.open, key=lambda point: (point.where.file, point.where.line or 0)))
    writer.add_open_points(points)
    head = f"Written by `optbuild init` from {', '.join(sources)}. Behind each value stands the place that says it."
    text = writer.format(head, has_schema=has_schema)
    _check_text(text, folder)
    remarks = tuple(sorted(collection.remarks, key=lambda one: (one.where.file, one.where.line or 0)))
    return Adoption(text, sources, writer.count, points, remarks)


def _check_text(text: str, folder: Path) -> None:
    """Read it as any other spec. Raises AdoptionError with the line of each value, which has the place behind it."""
    try:
        read_requirements(parse_spec(text, SPEC_FILE, folder))
    except SpecError as error:
        problems = error.problems if isinstance(error, InvalidSpecError) else (error,)
        rows = "".join(f"\n  {_describe_problem(problem, text)}" for problem in problems)
        hint = problems[0].hint or "make them agree, and run it again"
        raise AdoptionError(f"what the files say does not fit together:{rows}", hint=hint) from error


def _describe_problem(problem: SpecError, text: str) -> str:
    where = problem.where
    if where is None or where.file != SPEC_FILE or where.line is None:
        return str(problem).partition("\n  next:")[0]
    return f"{text.splitlines()[where.line - 1].strip()}: {problem.message}"


def _write_image(writer: SpecWriter, collection: Collection, folder: Path) -> None:
    name = collection.name or Found(make_image_name(folder.name), Where("the folder's name"))
    writer.add_table("image")
    writer.add_value("name", name.value, name.where)
    if collection.tag is not None:
        writer.add_list("tags", [collection.tag])
    writer.add_mapping("image.env", collection.environment)
    writer.add_mapping("image.labels", collection.labels)


def make_image_name(text: str) -> str:
    """A folder's name as Docker takes it."""
    name = _TAGS.sub("-", text.lower()).strip("-") or "airflow"
    return name if find_refusal("ImageName", name) is None else "airflow"


def _write_packages(writer: SpecWriter, collection: Collection, python: Found) -> None:
    writer.add_table("python")
    writer.add_value("version", python.value, python.where)
    writer.add_list("requirements", keep_first(collection.requirements))
    writer.add_list("requirements-files", keep_first(collection.requirement_files))
    runtime = keep_first(collection.apt_runtime)
    build = [one for one in keep_first(collection.apt_build) if one.value not in {kept.value for kept in runtime}]
    if runtime or build:
        writer.add_table("apt")
        writer.add_list("runtime", runtime)
        writer.add_list("build", build)


def _choose_broker(collection: Collection, roles: list[Found]) -> Found | None:
    return collection.broker if any(role.value in CELERY for role in roles) else None


def _write_servers(writer: SpecWriter, database: Found | None, broker: Found | None) -> None:
    """A verification starts what the project has."""
    if database is None and broker is None:
        return
    writer.add_table("verify")
    for key, one in (("database", database), ("broker", broker)):
        if one is not None:
            writer.add_value(key, one.value, one.where)
