"""Where a person wrote what a lock is made from: for errors that come up long after the spec was read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from builder.core.errors import Where
from builder.image.spec.positions import read_positions
from builder.image.spec.requirements import iterate_logical_lines, normalize_requirement

if TYPE_CHECKING:
    from builder.image.spec.model import Spec


def locate_lock_sources(spec: Spec) -> dict[str, Where]:
    """Normalised requirement, or Debian package, → file, line and key. ``spec`` was read from ``spec.file``."""
    lines = read_positions(Path(spec.file))
    found = {}
    for name in spec.python.requirements_files:
        for number, line in iterate_logical_lines((spec.folder / name).read_text(encoding="utf-8-sig")):
            found[_normalize_line(line)] = Where(name, number)
    for index, line in enumerate(spec.python.requirements):
        place = lines.get(("python", "requirements", index))
        found[_normalize_line(line)] = Where(spec.file, place, f"python.requirements[{index}]")
    for index, extra in enumerate(spec.airflow.extras):
        place = lines.get(("airflow", "extras", index))
        found[f"apache-airflow[{canonicalize_name(extra)}]"] = Where(spec.file, place, f"airflow.extras[{index}]")
    for key, names in (("runtime", spec.apt.runtime), ("build", spec.apt.build)):
        for index, name in enumerate(names):
            found[name] = Where(spec.file, lines.get(("apt", key, index)), f"apt.{key}[{index}]")
    return found


def _normalize_line(line: str) -> str:
    try:
        return normalize_requirement(Requirement(line))
    except InvalidRequirement:
        return line
