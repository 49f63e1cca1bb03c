"""Everything that is known about a project → the plan: groups with their bytes, findings, the exact edits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from builder.compose.model import ImageBytes, ImageOrigin, Project, SharedTarget
from builder.compose.planned import EngineImage, GroupPlan, Plan
from builder.compose.rules import run_rules
from builder.compose.rules.context import KeyLocator, RuleContext, locate_first_file
from builder.compose.rules.refused import explain_refusal
from builder.compose.services.database import find_database
from builder.compose.services.image_names import list_possible_names
from builder.compose.sharing import disk_usage as layer_bytes
from builder.compose.sharing.alternatives import iterate_alternatives
from builder.compose.sharing.compatible import CompatibleTargets
from builder.compose.sharing.feasible import Rewrite, keep_feasible
from builder.compose.sharing.groups import ServiceGroup, group_services
from builder.compose.sharing.targets import choose_targets
from builder.core.image_reference import normalize_image_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.compose.rewrite.combination_check import EditCheck
    from builder.compose.sharing.options import SharingOptions, TargetDecision
    from builder.core.errors import ComposeError
    from builder.dockerfile.facts import DockerfileAnalysis
    from builder.engine.layers import ImageLayers


@dataclass(frozen=True)
class ObservedState:
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
class PlanDependencies:
    """The parts that a plan is made with: positions in the files, and how the files are rewritten."""

    rewrite: Rewrite
    line: KeyLocator = locate_first_file
    check: EditCheck | None = None
    """Asks what an edit does; None: nobody asks."""


def list_image_names(
    project: Project, facts: Mapping[str, DockerfileAnalysis], choices: SharingOptions
) -> tuple[str, ...]:
    """Every image name that a plan wants to know about: of the services, their bases, the optbuild.toml."""
    services = [name for service in project.services.values() for name in list_possible_names(service)]
    bases = [base for one in facts.values() if (base := one.root_base) is not None]
    spec = [choices.spec_image] if choices.spec_image is not None else []
    return tuple(dict.fromkeys((*services, *bases, *spec)))


def make_plan(
    project: Project,
    facts: Mapping[str, DockerfileAnalysis],
    choices: SharingOptions,
    seen: ObservedState,
    means: PlanDependencies,
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
        taken=others,
        occupied=strangers,
    )
    by_names = {group.names: group for group in groups}

    def iterate_others(target: SharedTarget, error: ComposeError) -> Iterator[TargetDecision]:
        group = by_names[target.services]
        return iterate_alternatives(project, group, chosen[group.names], choices, error.message)

    kept, edits, notes = keep_feasible(project, chosen, means.rewrite, iterate_others)
    if means.check is not None:
        settling = CompatibleTargets(project, means.rewrite, means.check, iterate_others)
        kept, edits, said = settling.settle(kept, edits)
        notes = (*notes, *said)
    there = _find_current_images(project, seen)
    context = RuleContext(
        project,
        groups,
        facts,
        kept,
        means.line,
        None if seen.images is None else {**seen.images, **there},
        {normalize_image_name(name): image for name, image in seen.promoted.items()},
        choices.spec_image,
    )
    seen = replace(seen, build_seconds={normalize_image_name(name): took for name, took in seen.build_seconds.items()})
    plans = tuple(_make_group_plan(group, kept[group.names], facts, seen=seen, there=there) for group in groups)
    return Plan(
        project,
        plans,
        run_rules(context),
        edits,
        seen.version,
        {name: EngineImage(_choose_found_name(name, image), image.id, image.bytes) for name, image in there.items()},
        (*_format_complaints(project), *_describe_external_databases(context), *notes),
    )


def _format_complaints(project: Project) -> tuple[str, ...]:
    """Only what keeps `up` from working: a file that Compose cannot read without its variables is not faulty."""
    said = project.complaints if project.resolved is None and explain_refusal(project) is None else ()
    return tuple(
        f"Compose cannot start this as it is here, so it was read without its variables: {one}" for one in said
    )


def _describe_external_databases(context: RuleContext) -> tuple[str, ...]:
    """Where Airflow keeps its metadata, if that is not a service of this project."""
    services = context.airflow_services
    databases = (find_database(context.project, one.service, one.facts, one.version) for one in services)
    found = {(one.kind, one.host or "") for one in databases if one is not None and one.is_external}
    return tuple(
        f"Airflow keeps its metadata in {kind} at {host}, outside of this project: nothing here touches it"
        for kind, host in sorted(found)
        if "$" not in host
    )


def _find_current_images(project: Project, seen: ObservedState) -> dict[str, ImageLayers]:
    """The image that each service starts from now, by the name that today's Compose looks for."""
    found = {}
    for service in project.services.values():
        names = list_possible_names(service)
        images = [image for name in names if (image := (seen.images or {}).get(name)) is not None]
        if images:
            found[names[0]] = images[0]
    return found


def _choose_found_name(name: str, image: ImageLayers) -> str:
    """``name`` where the image has it, else the one it was found under."""
    familiar_names = [normalize_image_name(one) for one in image.references]
    return name if not familiar_names or normalize_image_name(name) in familiar_names else familiar_names[0]


def _make_group_plan(
    group: ServiceGroup,
    choice: TargetDecision,
    facts: Mapping[str, DockerfileAnalysis],
    *,
    seen: ObservedState,
    there: Mapping[str, ImageLayers],
) -> GroupPlan:
    images = {name: there[name] for name in group.images if name in there}
    seconds = [seen.build_seconds[name] for name in group.normalized_images if name in seen.build_seconds]
    return GroupPlan(
        group,
        choice.target,
        choice.reason,
        now=layer_bytes.measure_images(images),
        then=_estimate_planned_bytes(choice.target, images, seen),
        if_apart=_estimate_bytes_apart(group, facts, seen, images),
        build_seconds=seconds[0] if seconds else None,
        sharing=layer_bytes.classify_sharing(images.values()),
        warnings=choice.warnings,
        refused=choice.refused,
    )


def _estimate_planned_bytes(
    target: SharedTarget | None, images: Mapping[str, ImageLayers], seen: ObservedState
) -> ImageBytes | None:
    """The spec's own image where it makes the group's, else the newest: the same build makes the same bytes."""
    if target is None:
        return None
    if target.source is ImageOrigin.SPEC:
        return layer_bytes.measure_shared_image((seen.images or {}).get(target.image))
    return layer_bytes.measure_shared_image(layer_bytes.find_newest_image(images.values())) if images else None


def _estimate_bytes_apart(
    group: ServiceGroup,
    facts: Mapping[str, DockerfileAnalysis],
    seen: ObservedState,
    images: Mapping[str, ImageLayers],
) -> ImageBytes | None:
    copies = len({service.normalized_image_name for service in group.builders})
    known = next((facts[name] for name in group.names if name in facts), None)
    if copies < 2 or known is None or not images:
        return None
    base = (seen.images or {}).get(known.root_base) if known.root_base is not None else None
    unique = tuple(images.values())
    words = tuple(instruction.name for instruction in known.instructions)
    return layer_bytes.estimate_separate_bytes(
        unique, max(copies, len(unique)), layer_bytes.count_base_layers(unique, base, words)
    )
