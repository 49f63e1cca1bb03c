"""OB103: builds that are nearly the same, and what keeps them apart."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from builder.compose.display import describe_dockerfile
from builder.compose.load.builds import find_variable_parts
from builder.findings.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.model import Build, Service
    from builder.compose.rules.context import RuleContext
    from builder.compose.rules.similarity import BuildDifference
    from builder.compose.sharing.groups import ServiceGroup
    from builder.dockerfile.facts import DockerfileAnalysis
    from builder.dockerfile.parse import Instruction

COMPARED = 3
"""Earlier builds of one Dockerfile, context or base image that each is compared with: a thousand stay fast."""
_WORTH_SHARING = 2
"""Leading instructions, FROM among them: a common base of FROM alone exists already."""


def find_near_duplicates(context: RuleContext) -> Iterator[Finding]:
    """One finding for each group whose build is nearly that of an earlier group; the nearest in the order of names."""
    earlier: dict[object, list[Service]] = defaultdict(list)
    for service in filter(None, map(_choose_representative, context.groups)):
        keys = _make_similarity_keys(service.image_build, context.facts.get(service.name))
        others = {other.name: other for key in keys for other in earlier[key][:COMPARED]}
        found = (_compare_services(context, other, service) for other in others.values())
        first = next((finding for finding in found if finding is not None), None)
        if first is not None:
            yield first
        for key in keys:
            earlier[key].append(service)


def _choose_representative(group: ServiceGroup) -> Service | None:
    """One that builds, or of which is known what makes its image."""
    return next(iter(group.builders), None) or next((one for one in group.services if one.image_build), None)


def _make_similarity_keys(build: Build | None, facts: DockerfileAnalysis | None) -> tuple[object, ...]:
    """Only builds that have one of these in common are worth comparing."""
    if build is None:
        return ()
    path = build.dockerfile_path
    place = ("inline", build.dockerfile_inline) if path is None else ("file", path)
    return (place, ("context", build.context), *([("base", facts.base)] if facts is not None and facts.base else []))


def _compare_services(context: RuleContext, one: Service, other: Service) -> Finding | None:
    """Each represents its group."""
    from builder.compose.rules.similarity import compare_builds  # it parses Dockerfiles: a library of its own

    build, near = one.image_build, other.image_build
    if build is None or near is None:
        return None
    names = one.name, other.name
    facts = context.facts.get(one.name), context.facts.get(other.name)
    difference = compare_builds(build, near, *facts, names)
    platforms = tuple(service.platform or "the engine's" for service in (one, other))
    lines = list(difference.lines)
    if platforms[0] != platforms[1]:
        lines = [*(line for line in lines if line != "platforms differ"), f"platform: {' against '.join(platforms)}"]
    if build == near and platforms[0] == platforms[1]:
        return _make_near_duplicate_finding(
            context,
            names,
            "build the same today, but it is written with different variables",
            _describe_variable_keys(one, other),
        )
    if not difference.near:
        return None
    what = f"build nearly the same: {describe_dockerfile(context.project, build)}"
    if describe_dockerfile(context.project, build) != describe_dockerfile(context.project, near):
        what += f" and {describe_dockerfile(context.project, near)}"
    base = _suggest_common_stage(context, build, near, difference) if platforms[0] == platforms[1] else None
    return _make_near_duplicate_finding(context, names, what, tuple(lines), base)


def _make_near_duplicate_finding(
    context: RuleContext, names: tuple[str, str], what: str, details: tuple[str, ...], fix: str | None = None
) -> Finding:
    where = context.line(context.project, names[1], "build")
    return Finding("OB103", where, f"{names[0]} and {names[1]} {what}", names, fix, details)


def _describe_variable_keys(left: Service, right: Service) -> tuple[str, ...]:
    """Which keys are written differently; the text of none, since a default in it may be a secret."""
    one, other = (find_variable_parts(service.raw_build) for service in (left, right))
    different = {key: set(one.get(key, ())) ^ set(other.get(key, ())) for key in (*one, *other)}
    keys = list(dict.fromkeys(name for key, parts in different.items() for name in _list_build_keys(key, parts)))
    same = "are the same" if len(keys) > 1 else "is the same"
    return (f"{', '.join(keys)} {same} only as long as the variables are",)


def _list_build_keys(field: str, parts: set[Any]) -> list[str]:
    """The keys in a ``build:`` that these parts of one field of a Build come from."""
    match field:
        case "args":
            return sorted(f"args.{name}" for name, _ in parts)
        case "other":
            return sorted(name for name, _ in parts)
        case _:
            return [field] if parts else []


def _suggest_common_stage(context: RuleContext, one: Build, other: Build, difference: BuildDifference) -> str | None:
    """The common beginning as a stage, where it is long enough."""
    prefix = difference.common_prefix
    if difference.whole:
        return (
            "none of their instructions differ: if the differences above are not meant, write both builds the same, "
            "and they can share one image"
        )
    if len(prefix) < _WORTH_SHARING:
        return None
    if one.dockerfile_path == other.dockerfile_path and one.dockerfile_inline == other.dockerfile_inline:
        return _suggest_later_changes(prefix)
    name = describe_dockerfile(context.project, one)
    return (
        f"their first {len(prefix)} instructions are equal: put both into one Dockerfile, with lines {prefix[0].line} "
        f"to {prefix[-1].line} of {name} as a stage of their own (`FROM … AS common`), each image as a stage "
        "`FROM common AS …`, and select it by `target:`"
    )


def _suggest_later_changes(prefix: tuple[Instruction, ...]) -> str:
    return (
        f"the layers up to line {prefix[-1].line} are shared; move what differs, and the `ARG` lines that it needs, "
        "as far down as it can go"
    )
