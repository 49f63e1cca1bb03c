"""Image names in a compose project: when two are the same, which are valid, which Compose versions gave which."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.compose.model import Project, Service

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_DOMAIN = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_NAME = re.compile(rf"(?:{_DOMAIN}/)?{_COMPONENT}(?:/{_COMPONENT})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?")
"""The grammar of distribution/reference, without a digest: nothing can be built under one."""
_HUB = ("docker.io/", "index.docker.io/", "registry-1.docker.io/")
_LONGEST = 255


def with_tag(image: str) -> str:
    """``image`` with the tag that Docker assumes where none is given."""
    named = "@" in image or ":" in image.rpartition("/")[2]
    return image if named else f"{image}:latest"


@lru_cache(maxsize=4096)  # a project of a thousand services compares each name with all others
def familiar(image: str) -> str:
    """One spelling for each image: ``docker.io/library/redis`` and ``redis:latest`` are the same."""
    for hub in _HUB:
        if image.startswith(hub):
            image = image.removeprefix(hub).removeprefix("library/")
            break
    return with_tag(image)


def is_reference(image: str) -> bool:
    """Whether an image can be built under this name."""
    return len(image) <= _LONGEST and _NAME.fullmatch(image) is not None


def has_registry(image: str) -> bool:
    """Whether the name says which registry it is from. Docker asks Docker Hub for every other name."""
    first, slash, _ = image.partition("/")
    return bool(slash) and ("." in first or ":" in first or first == "localhost")


def repository(image: str) -> str:
    """The last word of the name: ``postgres`` of ``registry.example/library/postgres:13@sha256:…``."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()


def candidate_names(project: Project, service: Service) -> tuple[str, ...]:
    """The names under which an engine may hold the service's image, the present one first.

    Beside today's default ``<project>-<service>``, v1's: ``<project>_<service>``, before 1.21 with a project name
    of letters and digits only. Source: Compose's change logs of 1.21.0 and 2.0.0.
    """
    names = [project.image_of(service)]
    if service.image is None and service.build is not None:
        short = re.sub(r"[^a-z0-9]", "", project.name.lower())
        names += [*default_names(project, service), *([f"{short}_{service.name}:latest"] if short else [])]
    return tuple(dict.fromkeys(names))


def default_names(project: Project, service: Service) -> tuple[str, str]:
    """What Compose calls the image of a service that builds one and names none: today, and before 2.0. No other
    project's image has these names, unlike the oldest ones, which several project names shorten to."""
    return f"{project.name}-{service.name}:latest", f"{project.name}_{service.name}:latest"


def slug(text: str) -> str:
    """``text`` as one word of an image name; empty when nothing of it can stay."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
