"""The Airflow images that somebody publishes, as one table: their names, and which version a tag means."""

from __future__ import annotations

import re
from dataclasses import dataclass

from builder.airflow.variables import HOME
from builder.core.image_reference import extract_last_component, extract_repository, split_image_name


@dataclass(frozen=True)
class AirflowImage:
    """An image that somebody publishes. ``tells_version``: its tags are Airflow's versions, not its own."""

    name: str
    tells_version: bool = True


OFFICIAL_IMAGE = "apache/airflow"
IMAGES = (
    AirflowImage(OFFICIAL_IMAGE),
    AirflowImage("bitnami/airflow"),
    AirflowImage("puckel/docker-airflow"),
    AirflowImage("astronomer/ap-airflow"),
    AirflowImage("astronomer/astro-runtime", tells_version=False),
)
LAST_WORDS = frozenset(image.name.rpartition("/")[2] for image in IMAGES)
"""Of their names: a copy in a registry of one's own keeps the last word."""
FOLDERS = (HOME, "/usr/local/airflow")
"""AIRFLOW_HOME of these images; where something is mounted there, Airflow runs."""
_WITH_VERSION = tuple(image.name for image in IMAGES if image.tells_version)
_VERSION = re.compile(r"(?:slim-)?v?(\d+\.\d+\.\d+)(?:[-.+].*)?$")


def is_airflow_image(reference: str | None) -> bool:
    """Whether the name is one of the known Airflow images'."""
    return extract_last_component(reference or "") in LAST_WORDS


def parse_image_version(reference: str | None) -> str | None:
    """``2.8.1`` of ``apache/airflow:slim-2.8.1-python3.11``; None where the tag does not say it."""
    text = reference or ""
    return parse_tag_version(split_image_name(text)[1]) if extract_repository(text).endswith(_WITH_VERSION) else None


def parse_tag_version(text: str | None) -> str | None:
    match = _VERSION.match(text or "")
    return match[1] if match else None
