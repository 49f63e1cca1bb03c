"""An image's folder as values: what every command past ``lock`` starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.core.naming import LOCK_FILE
from builder.image.lock.check import check_lock
from builder.image.lock.document import read_lock
from builder.image.spec.reader import read_spec
from builder.image.spec.requirements import read_requirements
from builder.image.spec.roles import resolve_roles

if TYPE_CHECKING:
    from pathlib import Path

    from builder.airflow.model import Role
    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec


@dataclass(frozen=True)
class ImageProject:
    """A spec, the lock that belongs to it, and the roles of its image."""

    spec: Spec
    lock: Lock
    roles: tuple[Role, ...]


def load_project(folder: Path) -> ImageProject:
    """Read optbuild.toml and optbuild.lock of ``folder``; a lock that is missing or stale is an error."""
    spec = read_spec(folder)
    requirements = read_requirements(spec)
    lock = read_lock(spec.folder / LOCK_FILE)
    check_lock(spec, requirements, lock)
    return ImageProject(spec, lock, resolve_roles(spec))
