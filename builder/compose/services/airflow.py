"""Whether services run Airflow, by what they say: image, Dockerfile, commands, folders, environment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.airflow.find import SIGNS
from builder.airflow.images import FOLDERS, LAST_WORDS
from builder.airflow.variables import HOME_VARIABLE, PREFIXES
from builder.compose.services.command_lines import started
from builder.compose.services.products import product_of
from builder.core.image_reference import extract_last_component

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from builder.compose.model import Service
    from builder.dockerfile.facts import DockerfileFacts

_WORD = re.compile(r"[^a-z0-9]+")


def is_airflow(services: Iterable[Service], facts: Mapping[str, DockerfileFacts]) -> bool:
    """Whether the image that these services share is Airflow's. One good sign of one service is enough."""
    return any(_runs_airflow(service, facts.get(service.name)) for service in services)


def _runs_airflow(service: Service, facts: DockerfileFacts | None) -> bool:
    if facts is not None and facts.airflow:
        return True
    if product_of(service, facts) is not None:  # an env_file that all share proves nothing about a database
        return False
    if _named(service) or _commanded(service):
        return True
    if facts is not None:  # its Dockerfile installs no Airflow, as far as it can be read: weak signs must agree
        return _role_word(service) and _configured(service)
    return _mounted(service) or _configured(service) or (_role_word(service) and "airflow" in words_of(service.name))


def words_of(name: str) -> tuple[str, ...]:
    return tuple(_WORD.split(name.lower()))


def _named(service: Service) -> bool:
    """Only an explicit name: the default one begins with the project's, which may be "airflow" for all of them."""
    if service.image is None:
        return False
    name = extract_last_component(service.image)
    return name in LAST_WORDS or ("airflow" in words_of(name) and "exporter" not in words_of(name))


def _commanded(service: Service) -> bool:
    """``airflow`` as a program, also in a script."""
    return any(words[0].rpartition("/")[2] == "airflow" for words in started(service))


def _role_word(service: Service) -> bool:
    """A role as the first word: what the official entrypoint puts ``airflow`` before."""
    commands = started(service)
    if not commands:
        return False
    words = tuple(commands[0])
    return words[:1] in SIGNS or words[:2] in SIGNS


def _mounted(service: Service) -> bool:
    return any(
        mount.target == folder or mount.target.startswith(folder + "/")
        for mount in service.mounts
        for folder in FOLDERS
    )


def _configured(service: Service) -> bool:
    """Airflow's own configuration variables; AIRFLOW_HOST and the like may belong to a client of it."""
    return any(name.startswith(PREFIXES) or name == HOME_VARIABLE for name in service.environment)
