"""Which program a service runs, as far as its image, its Dockerfile, its data folder or its name shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.products.find import find_by_data_folder, find_by_image, find_by_image_word

if TYPE_CHECKING:
    from builder.compose.model import Service
    from builder.dockerfile.facts import DockerfileAnalysis
    from builder.products.model import Product


def find_product(service: Service, facts: DockerfileAnalysis | None = None) -> Product | None:
    """None: a program that only its owner knows, or Airflow itself."""
    return (
        find_by_image(service.image if service.build is None else None)
        or find_by_image(None if facts is None else facts.root_base)
        or find_by_data_folder(mount.target for mount in service.mounts)
        or (_match_words(service.name) if service.build is not None and facts is None else None)
    )


def _match_words(name: str) -> Product | None:
    """``airflow-postgres`` names its product; only for what nothing better is known about."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    return next(filter(None, map(find_by_image_word, words)), None)
