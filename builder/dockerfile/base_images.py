"""The images of Docker Hub that people build on, beside Airflow's: their package manager, whom they have for a program.

All of them start as root. Sources: the Dockerfile of each (docker-library/official-images; nodejs/docker-node for the
user "node"; ContinuumIO/docker-images, conda-forge/miniforge-images); Alpine's busybox has ``adduser`` and no
``useradd``. Amazon Linux and Oracle Linux have neither before shadow-utils is installed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from builder.core.image_reference import extract_repository, split_image_name

_APT = "python debian ubuntu node golang rust ruby php buildpack-deps pypy perl eclipse-temurin gcc"
_CONDA = "continuumio/miniconda3 continuumio/anaconda3 condaforge/miniforge3"
_DNF = "fedora centos rockylinux almalinux"
_OTHERS = "amazonlinux openjdk"
_MANAGERS = {
    **dict.fromkeys(f"{_APT} {_CONDA}".split(), "apt"),
    **dict.fromkeys(_DNF.split(), "dnf"),
    **dict.fromkeys(_OTHERS.split(), None),
    "alpine": "apk",
}
_USERS = {"node": "node"}
_ADD_USER = {
    "apt": "RUN useradd --create-home app",
    "dnf": "RUN useradd --create-home app",
    "apk": "RUN adduser -D app",
}


_SMALL = ("debian", "ubuntu", "alpine")
_SMALL_TAG = re.compile(r"\b(slim|alpine)\b")


@dataclass(frozen=True)
class BaseImage:
    """What every tag of such an image has."""

    manager: str | None
    """``apt``, ``apk``, ``dnf``; None: it depends on the tag in ways that are not known here."""
    user: str | None = None
    """Made for programs, though the image starts as root."""

    @property
    def user_command(self) -> str | None:
        """The instruction that makes a user ``app``; None: it is not known what the image has for that."""
        return _ADD_USER.get(self.manager or "")


def find_base_image(reference: str | None) -> BaseImage | None:
    """The image of this name; None: nothing is known of it. The tag says whether it stands on Alpine."""
    repository, tag = extract_repository(reference or ""), split_image_name(reference or "")[1]
    if repository not in _MANAGERS or "windows" in tag or "nanoserver" in tag:
        return None
    return BaseImage("apk" if "alpine" in tag else _MANAGERS[repository], _USERS.get(repository))


def lacks_curl(reference: str | None) -> bool:
    """Whether the image surely has none; what stands on buildpack-deps has it, of others nothing is known."""
    repository, tag = extract_repository(reference or ""), split_image_name(reference or "")[1]
    return repository in _SMALL or (repository == "python" and _SMALL_TAG.search(tag) is not None)
