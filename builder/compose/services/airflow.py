"""Whether services run Airflow, by what they say: image, Dockerfile, commands, folders, environment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.airflow.find import DISTINCTIVE_COMMANDS, MIGRATE_COMMANDS
from builder.airflow.images import FOLDERS, LAST_WORDS
from builder.airflow.variables import HOME_VARIABLE, PREFIXES
from builder.compose.services.command_lines import parse_commands
from builder.compose.services.products import find_product
from builder.core.image_reference import extract_last_component, extract_repository

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from builder.compose.model import Service
    from builder.dockerfile.facts import DockerfileAnalysis

_WORD = re.compile(r"[^a-z0-9]+")


def is_airflow_group(services: Iterable[Service], facts: Mapping[str, DockerfileAnalysis]) -> bool:
    """Whether the image that these services share is Airflow's. One good sign of one service is enough; where nobody
    can read what the image is built on, two commands of Airflow's are.
    """
    services = tuple(services)
    if any(_is_airflow_service(service, facts.get(service.name)) for service in services):
        return True
    return _may_be_airflow(services, facts) and len(_collect_airflow_words(services)) > 1


def is_unclear_group(services: Iterable[Service], facts: Mapping[str, DockerfileAnalysis]) -> bool:
    """Whether nothing says that the image of these services is not Airflow's: several share what cannot be read, or one
    has a command that may be Airflow's, on a base that only its owner knows."""
    services = tuple(services)
    if not _may_be_airflow(services, facts):
        return False
    known = facts.get(services[0].name)
    unread = known is None or known.root_base is None or "$" in known.root_base
    return (unread and len(services) > 1) or bool(_collect_airflow_words(services))


def _may_be_airflow(services: tuple[Service, ...], facts: Mapping[str, DockerfileAnalysis]) -> bool:
    """Whether they build on what nobody here knows. Docker Hub's own images (``python``) are known, and so is an image
    whose Dockerfile has an entrypoint of its own: what follows it are not Airflow's words."""
    for service in services:
        known = facts.get(service.name)
        if service.image_build is None or find_product(service, known) is not None:
            return False
        if known is not None and (known.entrypoint is not None or _is_hub_image(known.root_base)):
            return False
    return True


def _is_hub_image(base: str | None) -> bool:
    return base is not None and "$" not in base and "/" not in extract_repository(base)


def _collect_airflow_words(services: tuple[Service, ...]) -> set[tuple[str, ...]]:
    """What the official entrypoint puts ``airflow`` before."""
    starts = [commands[0] for one in services if not one.entrypoint and (commands := parse_commands(one))]
    known = DISTINCTIVE_COMMANDS | MIGRATE_COMMANDS
    return {words[:length] for words in starts for length in (1, 2) if words[:length] in known}


def _is_airflow_service(service: Service, facts: DockerfileAnalysis | None) -> bool:
    if facts is not None and facts.airflow:
        return True
    if find_product(service, facts) is not None:  # an env_file that all share proves nothing about a database
        return False
    if _has_airflow_name(service) or _has_airflow_command(service):
        return True
    if facts is not None:  # its Dockerfile installs no Airflow, as far as it can be read: weak signs must agree
        return _has_role_word(service) and _has_airflow_variables(service)
    return (
        _has_airflow_mount(service)
        or _has_airflow_variables(service)
        or (_has_role_word(service) and "airflow" in split_words(service.name))
    )


def split_words(name: str) -> tuple[str, ...]:
    return tuple(_WORD.split(name.lower()))


def _has_airflow_name(service: Service) -> bool:
    """Only an explicit name: the default one begins with the project's, which may be "airflow" for all of them."""
    if service.image is None:
        return False
    name = extract_last_component(service.image)
    return name in LAST_WORDS or ("airflow" in split_words(name) and "exporter" not in split_words(name))


def _has_airflow_command(service: Service) -> bool:
    """``airflow`` as a program, also in a script."""
    return any(words[0].rpartition("/")[2] == "airflow" for words in parse_commands(service))


def _has_role_word(service: Service) -> bool:
    """A role as the first word: what the official entrypoint puts ``airflow`` before."""
    commands = parse_commands(service)
    if not commands:
        return False
    words = tuple(commands[0])
    return words[:1] in DISTINCTIVE_COMMANDS or words[:2] in DISTINCTIVE_COMMANDS


def _has_airflow_mount(service: Service) -> bool:
    return any(
        mount.target == folder or mount.target.startswith(folder + "/")
        for mount in service.mounts
        for folder in FOLDERS
    )


def _has_airflow_variables(service: Service) -> bool:
    """Airflow's own configuration variables; AIRFLOW_HOST and the like may belong to a client of it."""
    return any(name.startswith(PREFIXES) or name == HOME_VARIABLE for name in service.environment)
