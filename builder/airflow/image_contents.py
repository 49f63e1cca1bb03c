"""What published images have in them though their tag does not say it, as tables: the Python of the official image,
Airflow and Python of Astro's runtime. What is not listed is not known here, and is asked for.

Read on 2026-11-30. A row is added when its source says it, never because the rows beside it make it likely.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.airflow.images import OFFICIAL_IMAGE, find_airflow_image, parse_image_version
from builder.airflow.variables import HOME
from builder.core.image_reference import split_image_name

if TYPE_CHECKING:
    from collections.abc import Mapping

_OFFICIAL_PYTHONS: Mapping[str, str] = {
    **dict.fromkeys(("2.7", "2.8"), "3.8"),
    **dict.fromkeys(("2.9", "2.10", "2.11", "3.0", "3.1"), "3.12"),
    "3.3": "3.13",
}
"""Of an official image whose tag names no Python. Sources: "Docker Image for Apache Airflow", the list of images of
each version, and "Dockerfile Changelog" (since 2.9 it is a new one, no longer the oldest); AIRFLOW_PYTHON_VERSION of
the Dockerfile of 3.3.0. Not 3.2: its documentation says 3.12, what builds its images 3.13 (apache/airflow#64977)."""

_RUNTIMES: tuple[tuple[tuple[int, int, int], str | None], ...] = (
    ((8, 0, 0), "2.6.0"),
    ((8, 2, 0), "2.6.1"),
    ((8, 5, 0), "2.6.2"),
    ((8, 7, 0), "2.6.3"),
    ((8, 10, 1), None),
    ((9, 0, 0), "2.7.0"),
    ((9, 1, 0), "2.7.1"),
    ((9, 2, 0), "2.7.2"),
    ((9, 5, 0), "2.7.3"),
    ((9, 21, 1), None),
    ((10, 0, 0), "2.8.0"),
    ((10, 2, 0), "2.8.1"),
    ((10, 4, 0), "2.8.2"),
    ((10, 5, 0), "2.8.3"),
    ((10, 6, 0), "2.8.4"),
    ((10, 9, 1), None),
)
"""From which version of Astro's runtime on it has which Airflow; None: beyond what its notes name. Source: the release
notes of 8, 9 and 10 in Astronomer's archive, which are complete. Of 11 and later, and of the runtimes of Airflow 3
(``3.1-7``), no such list was at hand."""
_RUNTIME_PYTHONS: Mapping[int, str] = {8: "3.10", **dict.fromkeys((9, 10, 11), "3.11")}
"""By its first number, where the tag names none. Source: "Astro Runtime architecture", Python versioning."""
_ASTRONOMER = frozenset({"astronomer/ap-airflow", "astronomer/astro-runtime", "astrocrpublic.azurecr.io/runtime"})
_OTHER_HOME = "/usr/local/airflow"
_RUNTIME_TAG = re.compile(r"(\d+)\.(\d+)\.(\d+)(?![\d.])")
_TAG_PYTHON = re.compile(r"python-?(3\.\d+)")


def find_image_airflow(reference: str) -> str | None:
    """The version of Airflow in a published image; None: neither its tag nor a table says it."""
    runtime = _parse_runtime(reference)
    if runtime is None:
        return parse_image_version(reference)
    return next((airflow for first, airflow in reversed(_RUNTIMES) if first <= runtime), None)


def find_image_python(reference: str) -> str | None:
    """The Python of a published image of Airflow; None: neither its tag nor a table says it."""
    named = _TAG_PYTHON.search(split_image_name(reference)[1])
    if named is not None:
        return named[1]
    image, runtime = find_airflow_image(reference), _parse_runtime(reference)
    if runtime is not None:
        return _RUNTIME_PYTHONS.get(runtime[0])
    if image is None or image.name != OFFICIAL_IMAGE:
        return None
    return _OFFICIAL_PYTHONS.get(".".join((parse_image_version(reference) or "").split(".")[:2]))


def copies_project(reference: str) -> bool:
    """Whether the image's ONBUILD copies the folder of the project and installs its lists: of Astronomer's, all
    runtimes but those with ``-base``, and before them those with ``-onbuild``."""
    image = find_airflow_image(reference)
    words = split_image_name(reference)[1].split("-")
    if image is None or image.name not in _ASTRONOMER:
        return False
    return "onbuild" in words if image.tells_version else "base" not in words


def find_image_home(reference: str) -> str | None:
    """AIRFLOW_HOME of a published image, which is also its working folder; None: it is not known."""
    image = find_airflow_image(reference)
    if image is None:
        return None
    return HOME if image.name == OFFICIAL_IMAGE else _OTHER_HOME if image.name in _ASTRONOMER else None


def _parse_runtime(reference: str) -> tuple[int, int, int] | None:
    """``(10, 2, 0)`` of ``astro-runtime:10.2.0-base``; None: another image, or a runtime of Airflow 3."""
    image = find_airflow_image(reference)
    found = _RUNTIME_TAG.match(split_image_name(reference)[1])
    if image is None or image.tells_version or found is None:
        return None
    return int(found[1]), int(found[2]), int(found[3])
