"""Which command is said to need the image on a machine that does not have it."""

from __future__ import annotations

from typing import Any

import pytest
from project_factories import AIRFLOW, build, seed

from builder.compose.model import ImageOrigin, SharedTarget
from builder.rollout.result import choose_start_without_build

CLI: dict[str, Any] = {"build": build(), "environment": AIRFLOW, "profiles": ("debug",)}


@pytest.mark.parametrize(
    ("changes", "builder", "command"),
    [
        ({}, "airflow-init", "docker compose up --no-deps airflow-scheduler"),
        ({"airflow_webserver": {"depends_on": []}}, "airflow-init", "docker compose up -d airflow-webserver"),
        ({"airflow_cli": CLI}, "airflow-init", "docker compose --profile debug run airflow-cli"),
        (
            {"airflow_cli": CLI, "airflow_webserver": {"depends_on": []}},
            "airflow-init",
            "docker compose up -d airflow-webserver",
        ),
        ({"airflow_cli": CLI}, None, "docker compose up"),
    ],
    ids=["all reach it", "one does not", "behind a profile", "one of each", "nobody builds"],
)
def test_a_start_that_needs_the_image(changes: dict[str, Any], builder: str | None, command: str) -> None:
    made = seed(**changes)
    sharers = tuple(name for name in made.services if name != "postgres")
    origin = ImageOrigin.BUILDER if builder else ImageOrigin.IMAGE_ONLY
    assert choose_start_without_build(made, SharedTarget(sharers, "shop:latest", origin, builder)) == command
