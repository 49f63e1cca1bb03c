"""Services that share an image, or should: equal builds, and those who use by name what one of them builds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.compose.load.builds import variable_parts
from builder.compose.model import Build, Group, Project, Service
from builder.compose.services.airflow import is_airflow
from builder.core.image_reference import normalize_image_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.dockerfile.facts import DockerfileFacts

Key = tuple[object, ...]


def group_services(project: Project, facts: Mapping[str, DockerfileFacts]) -> tuple[Group, ...]:
    """Every service in exactly one group, groups in the order of their first service.

    Builds must be equal as Compose resolves them, and in the variables that they are written with: those that are equal
    only as long as two variables have the same value are two groups (OB103 says so).
    """
    members: dict[Key, list[Service]] = {}
    built = _built_names(project)
    for service in project.services.values():
        members.setdefault(_key(project, service, built), []).append(service)
    groups = [_group(project, services, facts) for services in members.values()]
    return tuple(sorted(groups, key=lambda group: group.services[0]))


def builders_of(project: Project, group: Group) -> tuple[str, ...]:
    """The services of the group that build, by name."""
    return tuple(name for name in group.services if project.services[name].build is not None)


def names_built(project: Project, service: Service) -> tuple[str, ...]:
    """The names that the service's build gives its image: its own, and those of ``build.tags``."""
    if service.build is None:
        return ()
    return tuple(dict.fromkeys(normalize_image_name(name) for name in (project.image_of(service), *service.build.tags)))


def _built_names(project: Project) -> dict[str, list[Key]]:
    """Image name → the builds that make it, in the order of the services."""
    built: dict[str, list[Key]] = {}
    for service in project.services.values():
        if service.build is None:
            continue
        for name in names_built(project, service):
            keys = built.setdefault(name, [])
            key = _build_key(service, service.build)
            if key not in keys:
                keys.append(key)
    return built


def _key(project: Project, service: Service, built: Mapping[str, list[Key]]) -> Key:
    if service.build is not None:
        return _build_key(service, service.build)
    if service.image is None:
        return ("nothing", service.name)
    name = normalize_image_name(project.image_of(service))
    fitting = [key for key in built.get(name, ()) if service.platform in (None, key[3])]
    return fitting[0] if fitting else ("image", name, service.platform)


def _build_key(service: Service, build: Build) -> Key:
    return ("build", build, tuple(variable_parts(service.raw_build).items()), service.platform)


def _group(project: Project, services: list[Service], facts: Mapping[str, DockerfileFacts]) -> Group:
    services = sorted(services, key=lambda service: service.name)
    build = next((service.build for service in services if service.build is not None), None)
    named = [
        project.image_of(service) for service in services if service.image is not None or service.build is not None
    ]
    return Group(
        tuple(service.name for service in services),
        build,
        tuple(dict.fromkeys(named)),
        is_airflow(services, facts),
    )
