"""What is known of the image that a Dockerfile begins with: by its name, or from another Dockerfile that makes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.adopt.model import Found
from builder.airflow.image_contents import find_image_airflow, find_image_home, find_image_python
from builder.airflow.images import OFFICIAL_IMAGE, find_airflow_image, parse_image_version
from builder.airflow.variables import HOME, HOME_VARIABLE, VERSION_VARIABLE
from builder.core.image_reference import extract_repository, split_image_name
from builder.dockerfile.stages import parse_assignments, substitute_variables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.adopt.model import Base, Collection
    from builder.dockerfile import Instruction
    from builder.dockerfile.stages import Stage


@dataclass(frozen=True)
class BaseBelow:
    """As far as it acts on what stands on it."""

    environment: Mapping[str, str]
    folder: str | None = None
    """Its WORKDIR; None: not known."""
    is_official: bool = False
    """It is the official image, or stands on it: no variable is unknown."""
    is_own: bool = False
    """A Dockerfile of the project makes it."""
    triggers: tuple[Instruction, ...] = ()
    """None are taken over: an ONBUILD is reported where it stands."""


def is_official(reference: str) -> bool:
    name = extract_repository(reference)
    return name == OFFICIAL_IMAGE or name.endswith(f"/{OFFICIAL_IMAGE}")


def make_base_below(reference: str) -> BaseBelow:
    """The variables of the official image that its documentation promises; of any other hardly anything is known."""
    if not is_official(reference):
        home = find_image_home(reference)
        return BaseBelow(_list_python_variables(reference) | ({HOME_VARIABLE: home} if home else {}), home)
    version = parse_image_version(reference)
    own = {HOME_VARIABLE: HOME, "AIRFLOW_USER_HOME_DIR": "/home/airflow", "HOME": "/home/airflow"}
    return BaseBelow({**own, **({VERSION_VARIABLE: version} if version else {})}, HOME, is_official=True)


def make_own_below(chain: tuple[Stage, ...], below: BaseBelow, folder: str) -> BaseBelow:
    """What the stages of a Dockerfile leave to another one that stands on them. May hold secrets: never shown."""
    environment = dict(below.environment)
    for stage in chain:
        for one in stage.instructions:
            if one.name == "ENV":
                known = {**dict(stage.arguments), **environment}
                given = parse_assignments(one).items()
                environment |= {name: substitute_variables(value or "", known) for name, value in given}
    return BaseBelow(environment, folder, below.is_official, is_own=True)


def _list_python_variables(reference: str) -> dict[str, str]:
    """PYTHON_VERSION of the official images of Python, as far as the tag says it."""
    found = re.match(r"(3\.\d+)(?:\.\d+)?", split_image_name(reference)[1])
    return {"PYTHON_VERSION": found[0]} if found and extract_repository(reference) == "python" else {}


def find_base_kind(reference: str) -> str:
    if is_official(reference):
        return "airflow"
    return "managed" if find_airflow_image(reference) is not None else "image"


def collect_base(base: Base, collection: Collection) -> None:
    """What is known of an image by its name: the version of Airflow, that of Python."""
    version = find_image_airflow(base.name)
    if version is not None:
        collection.versions.append(Found(version, base.where))
    python = find_image_python(base.name) or _find_tagged_python(base.name)
    if python is not None:
        collection.pythons.append(Found(python, base.where))


def _find_tagged_python(reference: str) -> str | None:
    """``3.11`` of ``python:3.11-slim``."""
    tagged = re.match(r"(3\.\d+)", split_image_name(reference)[1])
    return tagged[1] if tagged is not None and extract_repository(reference) == "python" else None
