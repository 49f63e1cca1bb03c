"""Where a person wrote what a lock is made from: for errors that come up long after the spec was read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from builder.core.errors import Where
from builder.image.spec.positions import positions_in
from builder.image.spec.requirements import logical_lines, normalised

if TYPE_CHECKING:
    from builder.image.spec.model import Spec


def places_of(spec: Spec) -> dict[str, Where]:
    """Normalised requirement, or Debian package, → file, line and key. ``spec`` was read from ``spec.file``."""
    lines = positions_in(Path(spec.file))
    found = {}
    for name in spec.python.requirements_files:
        for number, line in logical_lines((spec.folder / name).read_text(encoding="utf-8-sig")):
            found[_normal(line)] = Where(name, number)
    for index, line in enumerate(spec.python.requirements):
        place = lines.get(("python", "requirements", index))
        found[_normal(line)] = Where(spec.file, place, f"python.requirements[{index}]")
    for index, extra in enumerate(spec.airflow.extras):
        place = lines.get(("airflow", "extras", index))
        found[f"apache-airflow[{canonicalize_name(extra)}]"] = Where(spec.file, place, f"airflow.extras[{index}]")
    for key, names in (("runtime", spec.apt.runtime), ("build", spec.apt.build)):
        for index, name in enumerate(names):
            found[name] = Where(spec.file, lines.get(("apt", key, index)), f"apt.{key}[{index}]")
    return found


def _normal(line: str) -> str:
    try:
        return normalised(Requirement(line))
    except InvalidRequirement:
        return line
