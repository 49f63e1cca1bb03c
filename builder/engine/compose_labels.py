"""Which compose projects of an engine use and made which images, from the labels that Compose puts on both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

LABEL_PROJECT = "com.docker.compose.project"


def index_projects_by_image(containers: Iterable[dict[str, Any]]) -> dict[str, frozenset[str]]:
    """Image name as the container was started with it → names of projects. Containers in any state count."""
    found: dict[str, set[str]] = {}
    for container in containers:
        project = (container.get("Labels") or {}).get(LABEL_PROJECT)
        if project and container.get("Image"):
            found.setdefault(str(container["Image"]), set()).add(str(project))
    return {image: frozenset(projects) for image, projects in found.items()}


def find_building_projects(images: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Each name that an image of the engine has → the project whose `compose build` made it; empty: nobody's."""
    return {
        str(reference): str((image.get("Labels") or {}).get(LABEL_PROJECT, ""))
        for image in images
        for reference in image.get("RepoTags") or ()
    }
