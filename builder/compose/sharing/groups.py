"""Services that share an image, or should: equal builds, and those who use by name what one of them builds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.compose.load.builds import find_variable_parts
from builder.compose.model import Build, Project, Service, ServiceGroup
from builder.compose.services.airflow import is_airflow_group
from builder.core.image_reference import normalize_image_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.dockerfile.facts import DockerfileAnalysis

GroupKey = tuple[object, ...]


def group_services(project: Project, facts: Mapping[str, DockerfileAnalysis]) -> tuple[ServiceGroup, ...]:
    """Every service in exactly one group, groups in the order of their first service.

    Builds must be equal as Compose resolves them, and in the variables that they are written with: those that are equal
    only as long as two variables have the same value are two groups (OB103 says so).
    """
    members: dict[GroupKey, list[Service]] = {}
    built = _index_built_names(project)
    for service in project.services.values():
        members.setdefault(_make_group_key(project, service, built), []).append(service)
    groups = [_make_group(project, services, facts) for services in members.values()]
    return tuple(sorted(groups, key=lambda group: group.services[0]))


def find_builders(project: Project, group: ServiceGroup) -> tuple[str, ...]:
    """The services of the group that build, by name."""
    return tuple(name for name in group.services if project.services[name].build is not None)


def list_built_names(project: Project, service: Service) -> tuple[str, ...]:
    """The names that the service's build gives its image: its own, and those of ``build.tags``."""
    if service.build is None:
        return ()
    return tuple(
        dict.fromkeys(normalize_image_name(name) for name in (project.resolve_image_name(service), *service.build.tags))
    )


def _index_built_names(project: Project) -> dict[str, list[GroupKey]]:
    """Image name → the builds that make it, in the order of the services."""
    built: dict[str, list[GroupKey]] = {}
    for service in project.services.values():
        if service.build is None:
            continue
        for name in list_built_names(project, service):
            keys = built.setdefault(name, [])
            key = _make_build_key(service, service.build)
            if key not in keys:
                keys.append(key)
    return built


def _make_group_key(project: Project, service: Service, built: Mapping[str, list[GroupKey]]) -> GroupKey:
    if service.build is not None:
        return _make_build_key(service, service.build)
    if service.image is None:
        return ("nothing", service.name)
    name = normalize_image_name(project.resolve_image_name(service))
    fitting = [key for key in built.get(name, ()) if service.platform in (None, key[3])]
    return fitting[0] if fitting else ("image", name, service.platform)


def _make_build_key(service: Service, build: Build) -> GroupKey:
    return ("build", build, tuple(find_variable_parts(service.raw_build).items()), service.platform)


def _make_group(project: Project, services: list[Service], facts: Mapping[str, DockerfileAnalysis]) -> ServiceGroup:
    services = sorted(services, key=lambda service: service.name)
    build = next((service.build for service in services if service.build is not None), None)
    named = [
        project.resolve_image_name(service)
        for service in services
        if service.image is not None or service.build is not None
    ]
    return ServiceGroup(
        tuple(service.name for service in services),
        build,
        tuple(dict.fromkeys(named)),
        is_airflow_group(services, facts),
    )
