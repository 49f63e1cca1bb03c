"""Which image names are Airflow's, and which version a tag tells."""

from __future__ import annotations

import re

from builder.core.image_reference import extract_last_component, extract_repository, split_image_name

_AIRFLOW_IMAGES = ("airflow", "docker-airflow", "ap-airflow", "astro-runtime")
"""Last words of apache/airflow, puckel/docker-airflow, astronomer/ap-airflow, …/astro-runtime."""
_WITH_VERSION = ("apache/airflow", "puckel/docker-airflow", "bitnami/airflow", "astronomer/ap-airflow")
"""Those whose tags are Airflow's versions; somebody's own image counts its own, and so does Astro's runtime."""
_VERSION = re.compile(r"(?:slim-)?v?(\d+\.\d+\.\d+)(?:[-.+].*)?$")


def is_airflow_image(reference: str | None) -> bool:
    """Whether the name is one of the known Airflow images'."""
    return extract_last_component(reference or "") in _AIRFLOW_IMAGES


def version_of_image(reference: str | None) -> str | None:
    """``2.8.1`` of ``apache/airflow:slim-2.8.1-python3.11``; None where the tag does not say it."""
    text = reference or ""
    return version_in(split_image_name(text)[1]) if extract_repository(text).endswith(_WITH_VERSION) else None


def version_in(text: str | None) -> str | None:
    match = _VERSION.match(text or "")
    return match[1] if match else None
