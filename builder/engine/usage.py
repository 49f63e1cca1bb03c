"""Which compose projects of an engine use which image names, from the labels that Compose puts on containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

LABEL_PROJECT = "com.docker.compose.project"


def projects_by_image(containers: Iterable[dict[str, Any]]) -> dict[str, frozenset[str]]:
    """Image name as the container was started with it → names of projects. Containers in any state count."""
    found: dict[str, set[str]] = {}
    for container in containers:
        project = (container.get("Labels") or {}).get(LABEL_PROJECT)
        if project and container.get("Image"):
            found.setdefault(str(container["Image"]), set()).add(str(project))
    return {image: frozenset(projects) for image, projects in found.items()}
