"""Old images after an optimize: which they are, and what removes them. Which may go is for builder.store to say."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.compose.services.image_names import format_default_names
from builder.rollout.journal import ReplacedImage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.compose.model import Project, Service
    from builder.engine.protocols import ProjectEngine


@dataclass(frozen=True)
class OldImage:
    """One old image. ``kept``: why it stays; empty: it may go, or went. ``again``: a rollback would build it again."""

    image_id: str
    references: tuple[str, ...]
    kept: str = ""
    again: bool = False


def find_replaced_images(engine: ProjectEngine, project: Project, affected: Iterable[str]) -> tuple[ReplacedImage, ...]:
    """The images that these services have now: those of their containers, and those that their names point to, v1's
    names too. A name that Compose itself gives is of this project, also where the files name another image since."""
    names: dict[str, set[str]] = {}
    wanted = set(affected)
    for one in engine.list_containers(project.name):
        if one.service in wanted:
            names.setdefault(one.image_id, set())
    services = [project.services[name] for name in sorted(wanted & set(project.services))]
    for reference in (name for service in services for name in _list_service_names(service)):
        if (image := engine.find_image_id(reference)) is not None:
            names.setdefault(image, set()).add(reference)
    own = {name for service in services for name in format_default_names(service)}
    for image in names:
        names[image] |= own & set(engine.list_references(image))
    return tuple(ReplacedImage(image, tuple(sorted(found))) for image, found in sorted(names.items()))


def _list_service_names(service: Service) -> tuple[str, ...]:
    built = service.image is None and service.build is not None
    return (service.image_name, *(format_default_names(service) if built else ()))


def format_removal_command(images: Iterable[OldImage]) -> str:
    """What removes them by hand; empty when there is nothing to remove."""
    words = [word for one in images if not one.kept for word in (one.references or (one.image_id,))]
    return shlex.join(("docker", "image", "rm", *words)) if words else ""
