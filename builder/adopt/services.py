"""What the services of a compose project say of the image: roles, database, broker, name, other versions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.adopt.model import Found
from builder.adopt.values import find_refusal
from builder.airflow.find import find_named_role, find_started_role
from builder.airflow.images import parse_image_version
from builder.compose.rewrite.locate import locate_key
from builder.compose.services.command_lines import parse_commands
from builder.core.image_reference import extract_last_component, split_image_name
from builder.image.spec.server_images import is_postgres, is_redis

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.adopt.model import Collection
    from builder.compose.model import Project, Service

_ADDITIONAL = "_PIP_ADDITIONAL_REQUIREMENTS"


def collect_services(project: Project, airflow: Iterable[Service], collection: Collection) -> None:
    """``airflow`` are the services that start the image, in the order of their names."""
    own = tuple(airflow)
    for service in own:
        role = find_service_role(service)
        if role is not None:
            collection.roles.append(Found(role, locate_key(project, service.name, "command")))
        if service.build is not None and service.image and "$" not in service.image and collection.name is None:
            collection.name, collection.tag = _name_image(project, service)
    for service in project.services.values():
        _collect_server(project, service, collection)
        version = None if service.build is not None else parse_image_version(service.image)
        if version is not None:
            collection.versions.append(Found(version, locate_key(project, service.name, "image")))


def find_service_role(service: Service) -> str | None:
    """The role that a service starts: by its command, else by its name."""
    commands = parse_commands(service)
    for words in commands:
        call = words[1:] if words[0].rpartition("/")[2] == "airflow" else words
        role = find_started_role(tuple(call))
        if role is not None:
            return role
    return None if commands else find_named_role(service.name)


def list_additional_requirements(project: Project, airflow: Iterable[Service]) -> list[Found]:
    """What the official entrypoint installs at each start: requirements, each once."""
    found: dict[str, Found] = {}
    for service in airflow:
        for word in (service.environment.get(_ADDITIONAL) or "").split():
            found.setdefault(word, Found(word, locate_key(project, service.name, "environment", _ADDITIONAL)))
    return list(found.values())


def _name_image(project: Project, service: Service) -> tuple[Found | None, Found | None]:
    where = locate_key(project, service.name, "image")
    name, tag = split_image_name(service.image or "")
    kept = Found(name, where) if find_refusal("ImageName", name) is None else None
    is_tag = kept is not None and bool(tag) and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", tag)
    return kept, Found(tag, where) if is_tag and tag != "latest" else None


def _collect_server(project: Project, service: Service, collection: Collection) -> None:
    """The first PostgreSQL and the first Redis with a version, which a verification then starts."""
    image = service.image or ""
    tag = split_image_name(image)[1]
    if service.build is not None or not re.match(r"\d", tag) or "$" in image:
        return
    name = extract_last_component(image)
    where = locate_key(project, service.name, "image")
    if collection.database is None and name.startswith("postgres") and is_postgres(image):
        collection.database = Found(image, where)
    elif collection.broker is None and name.startswith(("redis", "valkey")) and is_redis(image):
        collection.broker = Found(image, where)
