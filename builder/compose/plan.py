"""Everything that is known about a project → the plan: groups with their bytes, findings, the exact edits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.compose.model import EngineImage, Group, GroupPlan, ImageBytes, Plan, Project, Source, Target
from builder.compose.rules import find_all
from builder.compose.rules.context import Line, Look, first_file
from builder.compose.services.database import database_of
from builder.compose.services.image_names import candidate_names
from builder.compose.sharing import disk_usage as layer_bytes
from builder.compose.sharing.feasible import Rewrite, fit
from builder.compose.sharing.groups import builders_of, group_services
from builder.compose.sharing.targets import built_by_nobody, choose_targets
from builder.core.image_reference import normalize_image_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.compose.sharing.options import Choice, Choices
    from builder.core.errors import ComposeError
    from builder.dockerfile.facts import DockerfileFacts
    from builder.engine.layers import ImageLayers


@dataclass(frozen=True)
class Seen:
    """What the engine and our own state know. ``images`` None: no engine was asked."""

    version: str = ""
    images: Mapping[str, ImageLayers | None] | None = field(default=None, repr=False)
    used_by: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Image name → the compose projects on the engine that use it."""
    made_by: Mapping[str, str] = field(default_factory=dict)
    """Every image name on the engine → the compose project that built it; empty: none did."""
    promoted: Mapping[str, str] = field(default_factory=dict)
    """Promoted name → image ID."""
    build_seconds: Mapping[str, float] = field(default_factory=dict)
    """Image name → how long its last build took, where one was seen."""


@dataclass(frozen=True)
class Means:
    """The parts that a plan is made with: positions in the files, and how the files are rewritten."""

    rewrite: Rewrite
    line: Line = first_file


def references_of(project: Project, facts: Mapping[str, DockerfileFacts], choices: Choices) -> tuple[str, ...]:
    """Every image name that a plan wants to know about: of the services, their bases, the optbuild.toml."""
    services = [name for service in project.services.values() for name in candidate_names(project, service)]
    bases = [one.base for one in facts.values() if one.base is not None]
    spec = [choices.spec_image] if choices.spec_image is not None else []
    return tuple(dict.fromkeys((*services, *bases, *spec)))


def make_plan(
    project: Project, facts: Mapping[str, DockerfileFacts], choices: Choices, seen: Seen, means: Means
) -> Plan:
    """The whole plan. A group that cannot be rewritten safely is left as it is, and says why.

    Raises ComposeError when ``choices`` name a service or group that does not exist.
    """
    groups = group_services(project, facts)
    others = {normalize_image_name(name) for name, projects in seen.used_by.items() if projects - {project.name}}
    strangers = {normalize_image_name(name) for name, maker in seen.made_by.items() if maker != project.name}
    chosen = choose_targets(
        project,
        groups,
        choices,
        taken=lambda name: normalize_image_name(name) in others,
        occupied=lambda name: normalize_image_name(name) in strangers,
    )
    by_services = {group.services: group for group in groups}

    def other(target: Target, error: ComposeError) -> Choice | None:
        group = by_services[target.services]
        return built_by_nobody(project, group, chosen[group.services], choices, error.message)

    kept, edits, notes = fit(project, chosen, means.rewrite, other)
    there = _there(project, seen)
    look = Look(
        project,
        groups,
        facts,
        kept,
        means.line,
        None if seen.images is None else {**seen.images, **there},
        {normalize_image_name(name): image for name, image in seen.promoted.items()},
        choices.spec_image,
    )
    plans = tuple(_group_plan(project, group, kept[group.services], facts, seen=seen, there=there) for group in groups)
    return Plan(
        project,
        plans,
        find_all(look),
        edits,
        seen.version,
        {name: EngineImage(_found_as(name, image), image.id, image.bytes) for name, image in there.items()},
        (*_complaints(project), *_elsewhere(project, groups), *notes),
    )


def _complaints(project: Project) -> tuple[str, ...]:
    """Only what keeps `up` from working: that Compose cannot read a file without its variables is no fault of it."""
    said = project.complaints if project.resolved is None else ()
    return tuple(
        f"Compose cannot start this as it is here, so it was read without its variables: {one}" for one in said
    )


def _elsewhere(project: Project, groups: tuple[Group, ...]) -> tuple[str, ...]:
    """Where Airflow keeps its metadata, if that is no service of this project."""
    services = (project.services[name] for group in groups if group.airflow for name in group.services)
    databases = (database_of(project, service) for service in services)
    found = {(one.kind, one.host or "") for one in databases if one is not None and one.is_external}
    return tuple(
        f"Airflow keeps its metadata in {kind} at {host}, outside of this project: nothing here touches it"
        for kind, host in sorted(found)
        if "$" not in host
    )


def _there(project: Project, seen: Seen) -> dict[str, ImageLayers]:
    """The image that each service starts from now, by the name that today's Compose looks for."""
    found = {}
    for service in project.services.values():
        names = candidate_names(project, service)
        images = [image for name in names if (image := (seen.images or {}).get(name)) is not None]
        if images:
            found[names[0]] = images[0]
    return found


def _found_as(name: str, image: ImageLayers) -> str:
    """``name`` where the image has it, else the one it was found under."""
    familiar_names = [normalize_image_name(one) for one in image.references]
    return name if not familiar_names or normalize_image_name(name) in familiar_names else familiar_names[0]


def _group_plan(
    project: Project,
    group: Group,
    choice: Choice,
    facts: Mapping[str, DockerfileFacts],
    *,
    seen: Seen,
    there: Mapping[str, ImageLayers],
) -> GroupPlan:
    images = {name: there[name] for name in group.images if name in there}
    took = {normalize_image_name(name): seconds for name, seconds in seen.build_seconds.items()}
    seconds = [took[name] for name in map(normalize_image_name, group.images) if name in took]
    return GroupPlan(
        group,
        choice.target,
        choice.reason,
        now=layer_bytes.measure(images),
        then=_then(choice.target, images, seen),
        if_apart=_if_apart(project, group, facts, seen, images),
        build_seconds=seconds[0] if seconds else None,
        sharing=layer_bytes.sharing(images.values()),
        warnings=choice.warnings,
        refused=choice.refused,
    )


def _then(target: Target | None, images: Mapping[str, ImageLayers], seen: Seen) -> ImageBytes | None:
    """The spec's own image where it makes the group's, else the newest: the same build makes the same bytes."""
    if target is None:
        return None
    if target.source is Source.SPEC:
        return layer_bytes.after((seen.images or {}).get(target.image))
    return layer_bytes.after(layer_bytes.newest_of(images.values())) if images else None


def _if_apart(
    project: Project,
    group: Group,
    facts: Mapping[str, DockerfileFacts],
    seen: Seen,
    images: Mapping[str, ImageLayers],
) -> ImageBytes | None:
    copies = len(
        {normalize_image_name(project.image_of(project.services[name])) for name in builders_of(project, group)}
    )
    known = next((facts[name] for name in group.services if name in facts), None)
    if copies < 2 or known is None or not images:
        return None
    base = (seen.images or {}).get(known.base) if known.base is not None else None
    unique = tuple(images.values())
    words = tuple(instruction.name for instruction in known.instructions)
    return layer_bytes.if_apart(unique, max(copies, len(unique)), layer_bytes.base_layers(unique, base, words))
