"""OB203: floating tags of images that are not ours. OB206: names of ours that no longer are the promoted image."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.airflow.images import OFFICIAL_IMAGE
from builder.compose.display import format_relative_path
from builder.compose.services.start_commands import substitute_image_defaults
from builder.core.errors import Where
from builder.core.image_reference import (
    extract_last_component,
    extract_repository,
    normalize_image_name,
    split_image_name,
)
from builder.core.naming import shorten_id
from builder.findings.model import Finding
from builder.products.find import find_by_image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.model import Service
    from builder.compose.rules.context import RuleContext
    from builder.dockerfile.facts import DockerfileAnalysis

_MOVING = frozenset(
    {"latest", "stable", "edge", "nightly", "main", "master", "dev", "develop", "devel", "rolling", "lts", "current"}
    | {"mainline", "snapshot", "beta", "canary", "unstable", "next", "head"}
)
_DOCKERFILES = ("Dockerfile*", "*/Dockerfile*")
_TELLING = 3
"""Letters of a word that names something."""
_FAST = frozenset({"python", "node", "golang", OFFICIAL_IMAGE, "apache/spark", "grafana/grafana", "trinodb/trino"})
"""Images whose minor versions change what a program can rely on; for them a tag like ``3`` still moves too far."""


def find_floating_tags(context: RuleContext) -> Iterator[Finding]:
    """One finding for each image name, whichever services use it; then one for each FROM."""
    ours = _collect_own_names(context)
    users: dict[str, list[str]] = {}
    for service in context.project.services.values():
        image = substitute_image_defaults(service) if service.build is None else None
        if image is None or normalize_image_name(image) in ours or _is_built_beside(context, image):
            continue
        if explain_floating_tag(image):
            users.setdefault(image, []).append(service.name)
    for image, names in users.items():
        yield Finding(
            "OB203",
            context.line(context.project, names[0], "image"),
            f"{', '.join(names)}: {image} {explain_floating_tag(image)}",
            tuple(names),
            _format_tag_fix(image),
        )
    yield from _find_floating_bases(context, ours)


def _collect_own_names(context: RuleContext) -> set[str]:
    """Names that are made on this machine: by a build here, by us, or elsewhere where no service may pull them, as in a
    rewritten file of which another machine knows nothing."""
    services = context.project.services.values()
    built = {name for service in services for name in service.built_names}
    built |= {service.normalized_image_name for service in services if service.image_build is not None}
    used = [
        (normalize_image_name(image), service.pull_policy)
        for service in services
        if (image := substitute_image_defaults(service))
    ]
    never_pulled = {name for name, _ in used} - {name for name, policy in used if policy != "never"}
    return {
        *built,
        *never_pulled,
        *context.promoted,
        *([normalize_image_name(context.spec_image)] if context.spec_image else []),
    }


def _is_built_beside(context: RuleContext, image: str) -> bool:
    """Whether a Dockerfile that no service builds lies in the project and its folder, or the project, has a word of
    this name, which no registry and no known program has: then somebody builds it by hand."""
    name = split_image_name(image)[0]
    if "/" in name or name in _FAST or find_by_image(image) is not None:
        return False
    words = {word for word in re.split(r"[^a-z0-9]+", name.lower()) if len(word) >= _TELLING}
    project = context.project
    built = {one.build.dockerfile_path for one in project.services.values() if one.build is not None}
    beside = {path for pattern in _DOCKERFILES for path in project.files.directory.glob(pattern)} - built
    return any(words & set(re.split(r"[^a-z0-9]+", f"{project.name} {path.parent.name}".lower())) for path in beside)


def _find_floating_bases(context: RuleContext, ours: set[str]) -> Iterator[Finding]:
    told: set[tuple[str, int]] = set()
    for name, facts in context.facts.items():
        base = facts.base
        if (
            not base
            or facts.parent is not None
            or base == "scratch"
            or "$" in base
            or normalize_image_name(base) in ours
            or not explain_floating_tag(base)
        ):
            continue
        where = locate_dockerfile_line(context, name, facts, facts.chain[0].line)
        if (where.file, where.line or 0) not in told:
            told.add((where.file, where.line or 0))
            users = tuple(other for other, known in context.facts.items() if _is_same_dockerfile(known, facts))
            message = f"the Dockerfile of {', '.join(users)}: FROM {base} {explain_floating_tag(base)}"
            yield Finding("OB203", where, message, users, _format_tag_fix(base))


def _is_same_dockerfile(one: DockerfileAnalysis, other: DockerfileAnalysis) -> bool:
    if one.path is None or other.path is None:
        return one is other
    return (one.path, one.base) == (other.path, other.base)


def locate_dockerfile_line(context: RuleContext, service: str, facts: DockerfileAnalysis, line: int) -> Where:
    """A line of the service's Dockerfile; for an inline one its key in the compose file."""
    if facts.path is None:
        return context.line(context.project, service, "build", "dockerfile_inline")
    return Where(format_relative_path(context.project, facts.path), line)


def explain_floating_tag(image: str) -> str | None:
    """Why the name may mean another image tomorrow, as the end of a sentence; None: it stays."""
    if "@" in image:
        return None
    _, tag = split_image_name(image)
    if not tag:
        return "has no tag, which means :latest"
    words = re.split(r"[-_.+]", tag.lower())
    moving = next((word for word in words if word in _MOVING), None)
    if moving is not None:
        return f"moves with every release ({moving})"
    if not any(character.isdigit() for character in tag) and not _is_hash(tag):
        return f"names a variant but no version ({tag})"
    if words[0].removeprefix("v").isdigit() and (len(words) == 1 or not words[1].isdigit()):
        return (
            f"names only the major version ({words[0]})"
            if {extract_repository(image), extract_last_component(image)} & _FAST
            else None
        )
    return None


def _is_hash(tag: str) -> bool:
    return re.fullmatch(r"(sha-)?[0-9a-f]{7,64}", tag) is not None


def _format_tag_fix(image: str) -> str:
    return (
        f"write the version that you run, as {split_image_name(image)[0]}:VERSION, or its digest: "
        f"`docker image inspect --format '{{{{index .RepoDigests 0}}}}' {normalize_image_name(image)}`"
    )


def find_moved_names(context: RuleContext) -> Iterator[Finding]:
    """Names that the state calls promoted, looked up on the engine. Silent without an engine."""
    if context.images is None:
        return
    users: dict[str, list[Service]] = {}
    for service in context.project.services.values():
        name = service.normalized_image_name
        if name in context.promoted:
            users.setdefault(name, []).append(service)
    for name, services in users.items():
        found = context.image(name) or context.image(services[0].image_name)
        if found is not None and found.id == context.promoted[name]:
            continue
        names = tuple(service.name for service in services)
        says = "is not on this engine" if found is None else f"is {shorten_id(found.id)} now"
        yield Finding(
            "OB206",
            context.line(context.project, names[0], "image"),
            f"{', '.join(names)}: {name} {says}; the promoted image is {shorten_id(context.promoted[name])}",
            names,
            "optbuild build --verify   # proves an image and moves the name to it",
        )
