"""The Airflow images that somebody publishes, as one table: their names, what is in them, which version a tag means.

Sources: the Dockerfile of each (apache/airflow; bitnami/containers; puckel/docker-airflow; astronomer/ap-airflow, whose
/etc/pip.conf names constraints that pin apache-airflow, and which sets no AIRFLOW_VERSION); for Astro's runtime its
documentation, "Runtime image architecture" and the release notes of each major version.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from builder.airflow.variables import EXECUTOR, HOME
from builder.core.image_reference import extract_last_component, extract_repository, split_image_name


@dataclass(frozen=True)
class OwnConnection:
    """How an image's entrypoint makes the connection to PostgreSQL from variables of its own."""

    host_variable: str
    host: str
    """Where the variable is not set."""
    executors: tuple[str, ...] = ()
    """Variables that name the executor: with none of them, or SequentialExecutor, it makes no connection."""


@dataclass(frozen=True)
class AirflowImage:
    """An image that somebody publishes, with what every tag of it has."""

    name: str
    user: str
    """Of its last USER, as one would write it."""
    tells_version: bool = True
    """Its tags are Airflow's versions, not its own."""
    sets_version: bool = False
    """Its environment has AIRFLOW_VERSION."""
    pins_airflow: bool = False
    """The configuration of its pip names constraints that hold apache-airflow at its version."""
    connection: OwnConnection | None = None
    """None: its entrypoint makes none."""
    environment: str | None = None
    """The folder of the virtual environment that holds Airflow; None: the Python that is on its PATH."""


OFFICIAL_IMAGE = "apache/airflow"
_BITNAMI_USER = "1001"
_BITNAMI_CONNECTION = OwnConnection("AIRFLOW_DATABASE_HOST", "postgresql")
_ASTRO_USER = "astro"
IMAGES = (
    AirflowImage(OFFICIAL_IMAGE, "airflow", sets_version=True),
    *(
        AirflowImage(
            f"{owner}/{name}", _BITNAMI_USER, connection=_BITNAMI_CONNECTION, environment="/opt/bitnami/airflow/venv"
        )
        for owner in ("bitnami", "bitnamilegacy")
        for name in ("airflow", "airflow-scheduler", "airflow-worker")
    ),
    AirflowImage(
        "puckel/docker-airflow",
        "airflow",
        connection=OwnConnection("POSTGRES_HOST", "postgres", (EXECUTOR.name, "EXECUTOR")),
    ),
    AirflowImage("astronomer/ap-airflow", _ASTRO_USER, pins_airflow=True),
    AirflowImage("astronomer/astro-runtime", _ASTRO_USER, tells_version=False, pins_airflow=True),
    AirflowImage("astrocrpublic.azurecr.io/runtime", _ASTRO_USER, tells_version=False, pins_airflow=True),
)
LAST_WORDS = frozenset(image.name.rpartition("/")[2] for image in IMAGES) - {"runtime"}
"""Of their names: a copy in a registry of one's own keeps the last word. Many programs have a "runtime"."""
FOLDERS = (HOME, "/usr/local/airflow")
"""AIRFLOW_HOME of these images; where something is mounted there, Airflow runs."""
_SUFFIX = r"(?:[-.+].*)?$"
_VERSION = re.compile(rf"(?:slim-)?v?(\d+\.\d+\.\d+){_SUFFIX}")
_SERIES = re.compile(rf"(?:slim-)?v?(\d+\.\d+)(?:\.\d+)?{_SUFFIX}")
_RUNTIME_OF_2 = re.compile(rf"(\d+)\.\d+\.\d+{_SUFFIX}")
"""A runtime's tag for Airflow 2: a version of its own, with two dots. For Airflow 3 it is ``3.1-7``: Airflow 3.1."""
_RUNTIME_BEFORE = 2
"""Major version N of the runtime has Airflow 2.(N-2), from 3 (2.1) to 13 (2.11)."""
_RUNTIMES_OF_2 = range(3, 14)


def find_airflow_image(reference: str | None) -> AirflowImage | None:
    """The image of this name, also as a copy in another registry that keeps the whole name."""
    repository = extract_repository(reference or "").lower()
    return next((image for image in IMAGES if repository == image.name or repository.endswith(f"/{image.name}")), None)


def is_airflow_image(reference: str | None) -> bool:
    """Whether the name is one of the known Airflow images', or at least ends as one of them."""
    return find_airflow_image(reference) is not None or extract_last_component(reference or "") in LAST_WORDS


def find_package_manager(reference: str | None) -> str | None:
    """``apt`` or ``apk``; None: not a known Airflow image, or a tag that stands on another distribution."""
    tag = split_image_name(reference or "")[1]
    if find_airflow_image(reference) is None or "ubi" in tag:
        return None
    return "apk" if "alpine" in tag else "apt"


def parse_image_version(reference: str | None) -> str | None:
    """``2.8.1`` of ``apache/airflow:slim-2.8.1-python3.11``; None where the tag does not say it."""
    image = find_airflow_image(reference)
    return (
        parse_tag_version(split_image_name(reference or "")[1]) if image is not None and image.tells_version else None
    )


def parse_image_series(reference: str | None) -> str | None:
    """``2.10`` of ``bitnami/airflow:2.10`` and of ``astro-runtime:12.9.0``: which commands it has, nothing to pin."""
    image, tag = find_airflow_image(reference), split_image_name(reference or "")[1]
    if image is None:
        return None
    runtime = None if image.tells_version else _RUNTIME_OF_2.match(tag)
    if runtime is not None:
        major = int(runtime[1])
        return f"2.{major - _RUNTIME_BEFORE}" if major in _RUNTIMES_OF_2 else None
    match = _SERIES.match(tag)
    return match[1] if match else None


def parse_tag_version(text: str | None) -> str | None:
    match = _VERSION.match(text or "")
    return match[1] if match else None
