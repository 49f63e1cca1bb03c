"""Services that share an image, or should: equal builds, and those who use by name what one of them builds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from builder.compose.load.builds import find_variable_parts
from builder.compose.services.airflow import is_airflow_group, is_unclear_group
from builder.core.image_reference import normalize_image_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.compose.model import Build, Project, Service
    from builder.dockerfile.facts import DockerfileAnalysis

GroupKey = tuple[object, ...]


@dataclass(frozen=True)
class ServiceGroup:
    """Services that build the same image, or use one image that at most one of them builds."""

    services: tuple[Service, ...]
    """Sorted by name; one of a kind is a group of one."""
    airflow: bool
    """Whether it is known to be Airflow (base image, labels, start commands)."""
    unclear: bool = False
    """Whether it may be Airflow, because what it is built on cannot be read here."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The services' names, by which a group is looked up."""
        return tuple(service.name for service in self.services)

    @cached_property
    def builders(self) -> tuple[Service, ...]:
        """Those of the services that build."""
        return tuple(service for service in self.services if service.build is not None)

    @property
    def build(self) -> Build | None:
        """None: all use an image that nobody here builds."""
        return self.builders[0].build if self.builders else None

    @cached_property
    def images(self) -> tuple[str, ...]:
        """Their image names as they are written, without repetition, tags included, in the order of the services."""
        return tuple(dict.fromkeys(service.image_name for service in self.services if service.has_image))

    @cached_property
    def normalized_images(self) -> tuple[str, ...]:
        """:attr:`images` for comparisons: one for each image."""
        return tuple(dict.fromkeys(map(normalize_image_name, self.images)))

    @property
    def is_duplicate(self) -> bool:
        """Whether several services build: under several names (OB101) or under one (OB102)."""
        return self.build is not None and len(self.services) > 1


def group_services(project: Project, facts: Mapping[str, DockerfileAnalysis]) -> tuple[ServiceGroup, ...]:
    """Every service in exactly one group, groups in the order of their first service.

    Builds must be equal as Compose resolves them, and in the variables that they are written with: those that are equal
    only as long as two variables have the same value are two groups (OB103 says so).
    """
    keys = {name: _make_build_key(service) for name, service in project.services.items() if service.build is not None}
    built = _index_built_names(project, keys)
    members: dict[GroupKey, list[Service]] = {}
    for service in sorted(project.services.values(), key=lambda one: one.name):
        key = keys.get(service.name) or _make_image_key(service, built)
        members.setdefault(key, []).append(service)
    return tuple(_make_group(tuple(services), facts) for services in members.values())


def _make_group(services: tuple[Service, ...], facts: Mapping[str, DockerfileAnalysis]) -> ServiceGroup:
    airflow = is_airflow_group(services, facts)
    return ServiceGroup(services, airflow, not airflow and is_unclear_group(services, facts))


def _make_build_key(service: Service) -> GroupKey:
    return ("build", service.build, tuple(find_variable_parts(service.raw_build).items()), service.platform)


def _index_built_names(project: Project, keys: Mapping[str, GroupKey]) -> dict[str, list[GroupKey]]:
    """Image name → the builds that make it, in the order of the services."""
    built: dict[str, list[GroupKey]] = {}
    for service, key in keys.items():
        for name in project.services[service].built_names:
            known = built.setdefault(name, [])
            if key not in known:
                known.append(key)
    return built


def _make_image_key(service: Service, built: Mapping[str, list[GroupKey]]) -> GroupKey:
    """Of a service that does not build: a build that makes its image, else the image."""
    if service.image is None:
        return ("nothing", service.name)
    name = service.normalized_image_name
    fitting = [key for key in built.get(name, ()) if service.platform in (None, key[3])]
    return fitting[0] if fitting else ("image", name, service.platform)
