"""Old images after an optimize: which may go, by the rules of every deletion, and the exact command for it.

By ID, after all containers were read again; never by force; a conflict is a skip.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from builder.compose.history import all_replaced
from builder.compose.journal import Replaced
from builder.compose.naming import default_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.compose.journal import Journal
    from builder.compose.model import Project, Service
    from builder.compose.stack import Engine


@dataclass(frozen=True)
class Protection:
    """What must stay beside what containers use. ``patterns`` are matched with every name of an image."""

    names: frozenset[str] = frozenset()
    """What the files still name."""
    patterns: tuple[str, ...] = ()
    image_ids: frozenset[str] = frozenset()
    """What is promoted, or kept for a rollback of a promotion."""


@dataclass(frozen=True)
class OldImage:
    """One old image that is still there. ``kept``: why it stays; empty: it may go."""

    image_id: str
    references: tuple[str, ...]
    kept: str = ""


def replaced_by(engine: Engine, project: Project, affected: Iterable[str]) -> tuple[Replaced, ...]:
    """The images that these services have now: those of their containers, and those that their names point to, v1's
    names too. A name that Compose itself gives is of this project, also where the files name another image since."""
    names: dict[str, set[str]] = {}
    wanted = set(affected)
    for one in engine.containers(project.name):
        if one.service in wanted:
            names.setdefault(one.image_id, set())
    services = [project.services[name] for name in sorted(wanted & set(project.services))]
    for reference in (name for service in services for name in _names_of(project, service)):
        if (image := engine.image_id(reference)) is not None:
            names.setdefault(image, set()).add(reference)
    own = {name for service in services for name in default_names(project, service)}
    for image in names:
        names[image] |= own & set(engine.references(image))
    return tuple(Replaced(image, tuple(sorted(found))) for image, found in sorted(names.items()))


def _names_of(project: Project, service: Service) -> tuple[str, ...]:
    built = service.image is None and service.build is not None
    return (project.image_of(service), *(default_names(project, service) if built else ()))


def names_in(project: Project) -> frozenset[str]:
    """The image names of all services of the files as they are now."""
    return frozenset(project.image_of(service) for service in project.services.values())


def old_images(engine: Engine, journal: Journal, protection: Protection) -> tuple[OldImage, ...]:
    """The replaced images that are still there, those of earlier runs too, and which of them may go."""
    used = engine.used_images()
    current = {tag.after for tag in journal.tags}
    found = []
    for image, own in all_replaced(journal).items():
        if image in current or engine.image_id(image) is None:
            continue
        references = engine.references(image)
        found.append(OldImage(image, references, _kept(image, own, references, used, protection)))
    return tuple(found)


def _kept(
    image: str, own: tuple[str, ...], references: tuple[str, ...], used: frozenset[str], protection: Protection
) -> str:
    if image in used:
        return "a container uses it"
    if image in protection.image_ids:
        return "it is promoted, or kept for a rollback of a promotion"
    for name in references:
        if any(fnmatchcase(name, pattern) for pattern in protection.patterns):
            return f"{name} is protected by optbuild.toml"
        if name in protection.names:
            return f"the files name {name}"
        if name not in own:
            return f"it also has the name {name}, which is not of this project"
    return ""


def removal_command(images: Iterable[OldImage]) -> str:
    """What removes them by hand; empty when there is nothing to remove."""
    words = [word for one in images if not one.kept for word in (one.references or (one.image_id,))]
    return shlex.join(("docker", "image", "rm", *words)) if words else ""


def clean(engine: Engine, journal: Journal, protection: Protection) -> tuple[OldImage, ...]:
    """Remove what may go; what was removed. All containers are read again for each."""
    removed = []
    for planned in old_images(engine, journal, protection):
        if planned.kept:
            continue
        again = next((one for one in old_images(engine, journal, protection) if one.image_id == planned.image_id), None)
        if again is None or again.kept:
            continue
        for reference in again.references[:-1]:
            engine.untag(reference)
        if engine.remove(again.image_id):
            removed.append(again)
    return tuple(removed)
