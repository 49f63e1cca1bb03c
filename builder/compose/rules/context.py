"""What a rule may see: the project, its groups, what is planned for them, and what the engine and the state know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from builder.compose.rules.airflow import AirflowService, find_image_facts, list_airflow_services
from builder.core.errors import Where

if TYPE_CHECKING:
    from builder.compose.model import Project, Service
    from builder.compose.sharing.groups import ServiceGroup
    from builder.compose.sharing.options import TargetDecision
    from builder.dockerfile.facts import DockerfileAnalysis
    from builder.findings.model import Finding


class ObservedLayer(Protocol):
    """One layer of an image on the engine."""

    @property
    def chain(self) -> str: ...


class ObservedImage(Protocol):
    """An image on the engine; ``builder.engine.layers.ImageLayers`` is one."""

    @property
    def id(self) -> str: ...

    @property
    def layers(self) -> tuple[ObservedLayer, ...]: ...


class KeyLocator(Protocol):
    """Where a service, or a key of it, is: ``line(project, "web", "build")``."""

    def __call__(self, project: Project, service: str, *keys: str) -> Where: ...


def locate_first_file(project: Project, service: str, *keys: str) -> Where:
    """A place without a line: the project's first file. The default where no positions are known."""
    files = project.files.files
    return Where(files[0].name if files else "", None, ".".join(("services", service, *keys)))


@dataclass(frozen=True)
class RuleContext:
    """Everything a rule gets. What is not known is empty or None; a rule is silent about it."""

    project: Project
    groups: tuple[ServiceGroup, ...] = ()
    facts: Mapping[str, DockerfileAnalysis] = field(default_factory=dict)
    """Service → what its Dockerfile says; services without a readable Dockerfile are missing."""
    choices: Mapping[tuple[str, ...], TargetDecision] = field(default_factory=dict)
    """The names of a group's services → what is planned for it."""
    line: KeyLocator = locate_first_file
    images: Mapping[str, ObservedImage | None] | None = field(default=None, repr=False)
    """Image name, tag included → what the engine has under it (None: nothing). None: no engine was asked."""
    promoted: Mapping[str, str] = field(default_factory=dict)
    """Promoted name, as an engine lists it → image ID, of the state."""
    spec_image: str | None = None
    """The name that an optbuild.toml gives, tag included."""

    def choice(self, group: ServiceGroup) -> TargetDecision | None:
        return self.choices.get(group.names)

    def find_group(self, service: str) -> ServiceGroup | None:
        return self._groups_by_service.get(service)

    def find_facts(self, service: Service) -> DockerfileAnalysis | None:
        """What the Dockerfile of its image says, also where another service of its group builds it."""
        return find_image_facts(service, self.find_group(service.name), self.facts)

    @cached_property
    def airflow_services(self) -> tuple[AirflowService, ...]:
        """Those of the project, in its order."""
        return list_airflow_services(self.project, self._groups_by_service, self.facts)

    @cached_property
    def _groups_by_service(self) -> dict[str, ServiceGroup]:
        return {name: group for group in self.groups for name in group.names}

    def image(self, reference: str) -> ObservedImage | None:
        """None: not on the engine, or no engine was asked."""
        return None if self.images is None else self.images.get(reference)


RuleFunction = Callable[[RuleContext], Iterator["Finding"]]
