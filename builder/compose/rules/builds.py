"""OB101 and OB102: one image that is built several times, under several names or under one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.compose.display import describe_dockerfile
from builder.compose.model import ImageOrigin
from builder.compose.services.image_names import list_possible_names
from builder.core.phrases import format_both_or_all, format_times, join_names
from builder.findings.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.model import Service, SharedTarget
    from builder.compose.rules.context import ObservedImage, RuleContext
    from builder.compose.sharing.groups import ServiceGroup

_SHARED_NOW = (
    "{count} image IDs with equal layers: one `docker compose build` made them; their layers are shared now, and are "
    "on the disk once"
)
_SHARED_NO_MORE = (
    "the next `build --no-cache SERVICE`, or a build on another day, another machine or with the classic builder, "
    "takes {count} times the bytes"
)
_APART = (
    "{count} image IDs whose layers differ after the first {common}: they were built separately, and what they hold is "
    "on the disk more than once"
)


def find_duplicate_builds(context: RuleContext) -> Iterator[Finding]:
    """OB101: one finding for each group whose services build under different names."""
    for group in context.groups:
        if len({service.normalized_image_name for service in group.builders}) > 1:
            yield _make_duplicate_finding(context, group)


def find_same_tags(context: RuleContext) -> Iterator[Finding]:
    """OB102: one finding for each name that several services give what they build, the same or not."""
    built: dict[str, list[str]] = {}
    for service in context.project.services.values():
        for name in service.built_names:
            built.setdefault(name, []).append(service.name)
    for name, services in built.items():
        if len(services) > 1:
            yield _make_same_tag_finding(context, name, tuple(services))


def _make_duplicate_finding(context: RuleContext, group: ServiceGroup) -> Finding:
    build, builders = group.build, [service.name for service in group.builders]
    what = "one Dockerfile" if build is None else describe_dockerfile(context.project, build)
    target = None if build is None or build.target is None else f" (target {build.target})"
    return Finding(
        "OB101",
        context.line(context.project, builders[0], "build"),
        f"{join_names(builders)} build {what}{target or ''} {format_times(len(builders))}",
        group.names,
        _format_sharing_fix(context, group),
        _describe_layers(context, group.builders),
    )


def _make_same_tag_finding(context: RuleContext, name: str, services: tuple[str, ...]) -> Finding:
    groups = [group for group in context.groups if set(group.names) & set(services)]
    fix = _format_name_fix(context, name, services)
    what = f"{join_names(services)} build different images under the name {name}: the last one built gets it"
    if len(groups) == 1:
        fix = _format_sharing_fix(context, groups[0])
        what = f"{join_names(services)} {format_both_or_all(len(services)).split()[0]} build {name}"
    return Finding("OB102", context.line(context.project, services[0], "build"), what, services, fix)


def _format_name_fix(context: RuleContext, name: str, services: tuple[str, ...]) -> str:
    """Who keeps the name, and from where it goes: from `tags:` where that has it. One whose `image:` it is keeps it."""
    found = [context.project.services[service] for service in services]
    named = [one.name for one in found if one.image is not None and one.normalized_image_name == name]
    kept = (named or list(services))[0]
    others = [one.name for one in found if one.name != kept]
    tagged = [other for other in others if other not in named]
    parts = [f"take {name} out of `tags:` in the build of {join_names(tagged)}"] if tagged else []
    renamed = [other for other in others if other in named]
    parts += [f"give {join_names(renamed)} another `image:`"] if renamed else []
    return f"{'; '.join(parts)}: only one of them, {kept}, can be {name}"


def _format_sharing_fix(context: RuleContext, group: ServiceGroup) -> str:
    choice = context.choice(group)
    if choice is None:
        return (
            "keep `build:` in one service; give all of them the same `image:` and `pull_policy: "
            f"never`{_format_group_option(group)}"
        )
    if choice.target is None:
        return choice.reason if "left alone" in choice.reason else f"left alone: {choice.reason}"
    return (
        f"`optbuild optimize`: {format_both_or_all(len(group.services))} start from {choice.target.image}, "
        f"{_describe_origin(choice.target)}"
    )


def _format_group_option(group: ServiceGroup) -> str:
    return "" if group.airflow else f" (`optbuild optimize --group {group.names[0]}` does it)"


def _describe_origin(target: SharedTarget) -> str:
    if target.source is ImageOrigin.BUILDER:
        return f"which {target.builder} alone builds"
    return "which the optbuild.toml makes" if target.source is ImageOrigin.SPEC else "built once; no service builds it"


def _describe_layers(context: RuleContext, builders: tuple[Service, ...]) -> tuple[str, ...]:
    """Whether the images share their layers today, and when that ends. Nothing where fewer than two are there."""
    seen = [image for service in builders if (image := _find_observed_image(context, service)) is not None]
    if len(seen) < 2:
        return ()
    count = len({image.id for image in seen})
    chains = {tuple(layer.chain for layer in image.layers) for image in seen}
    if count == 1:
        return (f"{len(seen)} names, one image: nothing is on the disk twice now; the next build may change that",)
    if len(chains) == 1:
        return _SHARED_NOW.format(count=count), _SHARED_NO_MORE.format(count=count)
    return (_APART.format(count=count, common=_count_common_layers(chains)),)


def _count_common_layers(chains: set[tuple[str, ...]]) -> int:
    """How many leading layers all have."""
    return sum(len(set(level)) == 1 for level in zip(*chains, strict=False))


def _find_observed_image(context: RuleContext, service: Service) -> ObservedImage | None:
    """The image that the engine has for the service, also under a name that an older Compose gave it."""
    found = map(context.image, list_possible_names(service))
    return next((image for image in found if image is not None), None)
