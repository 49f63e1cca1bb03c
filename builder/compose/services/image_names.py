"""Image names in a compose project: which Compose versions gave which, and words for new ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.compose.model import Service


def list_possible_names(service: Service) -> tuple[str, ...]:
    """The names under which an engine may hold the service's image, the present one first; none where the file does not
    say what it starts.

    Beside today's default ``<project>-<service>``, v1's: ``<project>_<service>``, before 1.21 with a project name
    of letters and digits only. Source: Compose's change logs of 1.21.0 and 2.0.0.
    """
    names = [service.image_name] if service.has_image else []
    if service.image is None and service.build is not None:
        short = re.sub(r"[^a-z0-9]", "", service.project.lower())
        names += [*format_default_names(service), *([f"{short}_{service.name}:latest"] if short else [])]
    return tuple(dict.fromkeys(names))


def format_default_names(service: Service) -> tuple[str, str]:
    """What Compose calls the image of a service that builds one and names none: today, and before 2.0. No other
    project's image has these names, unlike the oldest ones, which several project names shorten to."""
    return f"{service.project}-{service.name}:latest", f"{service.project}_{service.name}:latest"


def slugify(text: str) -> str:
    """``text`` as one word of an image name; empty when nothing of it can stay."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
