"""Which project a container belongs to, by its labels."""

from __future__ import annotations

from typing import Any

from builder.engine.compose_labels import index_projects_by_image


def test_projects_are_known_by_the_labels_of_their_containers() -> None:
    label = "com.docker.compose.project"
    containers: list[dict[str, Any]] = [
        {"Image": "web:latest", "Labels": {label: "shop"}},
        {"Image": "web:latest", "Labels": {label: "other"}},
        {"Image": "alone", "Labels": None},
    ]
    assert index_projects_by_image(containers) == {"web:latest": frozenset({"shop", "other"})}
