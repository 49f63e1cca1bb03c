"""A plan as text for a person. It holds no value of the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.compose.display import describe_build_source
from builder.compose.model import ImageOrigin, Sharing
from builder.core.naming import shorten_id
from builder.findings.model import merge_other_products
from builder.report.colors import Screen, make_bold
from builder.report.diff import format_display_path, format_readable_diff
from builder.report.findings import format_finding_lines, format_totals
from builder.report.prose import wrap_text
from builder.report.table import Column, format_table
from builder.report.units import UNKNOWN, format_size, pluralize

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from builder.compose.model import ImageBytes, Service
    from builder.compose.planned import GroupPlan, Plan

_COLUMNS = (Column("service"), Column("image", gives=True), Column("ID"), Column("bytes", right=True))
_SHARING = {
    Sharing.IMAGE: "one image",
    Sharing.LAYERS: "different IDs over equal layers, as one `docker compose build` makes them",
    Sharing.SOME: "different images that share their lower layers only",
    Sharing.NOTHING: "different images that share nothing",
}


def format_plan_text(plan: Plan, *, color: bool = False, width: int = 0) -> str:
    """Everything that a person needs to decide: what is there, what was found, what would change; last what it gains
    and what to type. ``width`` of the terminal in characters; 0: it is none."""
    screen = Screen(width, color)
    lines = [*_format_head(plan, screen), *_format_groups(plan, screen), *_format_findings(plan, screen)]
    text = "".join(f"{line}\n" for line in lines)
    summary = "".join(f"{line}\n" for line in _format_summary(plan, screen))
    return f"{text}{_format_edits(plan, screen)}\n{summary}"


def _format_title(text: str, screen: Screen) -> Iterator[str]:
    yield ""
    yield from (make_bold(line, color=screen.color) for line in wrap_text(text, "", "  ", width=screen.width))


def _format_head(plan: Plan, screen: Screen) -> Iterator[str]:
    project = plan.project
    files = ", ".join(format_display_path(path, project.files.directory) for path in project.files.files)
    engine = f"engine {plan.engine}" if plan.engine else "no engine answered, so no bytes were measured"
    what = f"{project.name}: {pluralize(len(project.services), 'service')} in {files} ({engine})"
    yield from wrap_text(what, "", "  ", width=screen.width)
    for note in plan.notes:
        yield from wrap_text(note, "note: ", "      ", width=screen.width)


def _format_groups(plan: Plan, screen: Screen) -> Iterator[str]:
    shared = [one for one in plan.groups if len(one.group.services) > 1]  # a table each, the others have one
    for one in shared:
        yield from _format_title(_format_group_title(plan, one), screen)
        yield from _format_service_table(plan, one.group.services, screen)
        for first, text in _describe_group(plan, one):
            yield from wrap_text(text, f"  {first:<8}  ", width=screen.width)
    singles = [service for one in plan.groups if len(one.group.services) == 1 for service in one.group.services]
    if singles:
        yield from _format_title("Other services: each with an image of its own", screen)
        yield from _format_service_table(plan, sorted(singles, key=lambda service: service.name), screen)


def _format_group_title(plan: Plan, one: GroupPlan) -> str:
    number = pluralize(len(one.group.services), "service")
    build = one.group.build
    if build is None:
        return f"{number} use {', '.join(one.group.images)}"
    building = len(one.group.builders)
    whose = number if building == len(one.group.services) else f"{building} of {number}"
    return f"{whose} {'builds' if building == 1 else 'build'} {describe_build_source(plan.project, build)}"


def _format_service_table(plan: Plan, services: Sequence[Service], screen: Screen) -> Iterator[str]:
    rows = (_make_service_row(plan, service) for service in services)
    return format_table(_COLUMNS, rows, width=screen.width, color=screen.color)


def _make_service_row(plan: Plan, service: Service) -> tuple[str, str, str, str]:
    there = plan.images.get(service.image_name)
    identity = UNKNOWN if there is None else shorten_id(there.id)
    name = service.image_name if service.has_image else UNKNOWN
    return service.name, name, identity, format_size(there.bytes if there else None)


def _describe_group(plan: Plan, one: GroupPlan) -> Iterator[tuple[str, str]]:
    """Pairs of a word and what it is about."""
    if one.now is not None:
        yield "now", f"{_format_both_sums(one.now)}{f': {_SHARING[one.sharing]}' if one.sharing else ''}"
    elif one.target is not None:
        yield "now", f"{UNKNOWN} (none of these images is on an engine that answers)"
    if one.if_apart is not None and (one.now is None or one.if_apart.real > one.now.real):
        copies, real = one.if_apart.images, format_size(one.if_apart.real)
        yield "if apart", f"{real} on disk, once each of the {copies} is built without the others' cache"
    if one.target is not None:
        yield "then", _format_planned_bytes(one)
    elif one.reason:
        yield "as it is", one.reason
    if one.build_seconds is not None:
        yield "time", f"its last build took {one.build_seconds:.0f} s"
    if names := _describe_old_names(plan, one):
        yield "names", names
    said = {detail for finding in plan.findings for detail in finding.details}
    yield from (("mind", warning) for warning in one.warnings if warning not in said)


def _describe_old_names(plan: Plan, one: GroupPlan) -> str:
    """Where the images were found under the names of docker-compose v1 (``project_service``); empty: nowhere."""
    names = [service.image_name for service in one.group.services if not service.image]
    old = [plan.images[name].name for name in names if name in plan.images and plan.images[name].name != name]
    what = "as docker-compose v1 named it; today's Compose would build it anew"
    if len(old) > 1:
        what = "as docker-compose v1 named them; today's Compose would build them anew"
    return f"on the engine as {', '.join(old)}, {what}" if old else ""


def _format_both_sums(found: ImageBytes) -> str:
    if found.apparent == found.real:
        return f"{format_size(found.real)} on disk"
    return f"{format_size(found.apparent)} added up as `docker images` does, {format_size(found.real)} on disk"


def _format_planned_bytes(one: GroupPlan) -> str:
    target = one.target
    if target is None:
        return ""
    how = {
        ImageOrigin.BUILDER: f"built by {target.builder}",
        ImageOrigin.IMAGE_ONLY: "built by no service (`optbuild optimize --rebuild`)",
        ImageOrigin.SPEC: "built by `optbuild build`",
    }[target.source]
    amount = "" if one.then is None else f"{format_size(one.then.real)} on disk: "
    return f"{amount}one image, {target.image}, {how}"


def _format_findings(plan: Plan, screen: Screen) -> Iterator[str]:
    if plan.findings:
        yield ""
        yield make_bold("Findings", color=screen.color)
        yield from format_finding_lines(plan.findings, screen)


def _format_edits(plan: Plan, screen: Screen) -> str:
    shown = format_readable_diff(plan.edits, plan.project.files.directory, color=screen.color)
    return f"\n{make_bold('The edit', color=screen.color)}\n{shown}" if shown else ""


def _format_summary(plan: Plan, screen: Screen) -> Iterator[str]:
    for first, text in _describe_plan(plan):
        head, *rest = wrap_text(text, f"{first:<8}  ", width=screen.width)
        yield make_bold(first, color=screen.color) + head.removeprefix(first)
        yield from rest


def _describe_plan(plan: Plan) -> Iterator[tuple[str, str]]:
    """Pairs of a word and what it is about: what is gained, how much was found, what to type."""
    changes = any(edit.changes for edit in plan.edits)
    if changes:
        yield "saves", _describe_savings(plan)
    found = merge_other_products(plan.findings)
    why = f"; `optbuild plan --explain {found[0].code}` says why, and what else could be done" if found else ""
    yield "findings", f"{format_totals(found)}{why}"
    if changes:
        yield "next", "`optbuild optimize` applies exactly this edit, `optbuild rollback` undoes it"
    else:
        yield "edit", "nothing to change in the file"
    if (one := _find_replaceable_group(plan)) is not None and one.group.build is not None:
        source = describe_build_source(plan.project, one.group.build)
        gain = f"pinned, proven, no compiler{_describe_waste(plan, one)}"
        yield "own", f"`optbuild init` writes an optbuild.toml for what {source} builds: {gain}"


def _find_replaceable_group(plan: Plan) -> GroupPlan | None:
    """The first group of Airflow that is built by no optbuild.toml; None: there is none."""
    for one in plan.groups:
        made = one.target is not None and one.target.source is ImageOrigin.SPEC
        if one.group.airflow and one.group.build is not None and not made:
            return one
    return None


def _describe_waste(plan: Plan, one: GroupPlan) -> str:
    """Of the image of today, where it was inspected: a plan itself has no time for that."""
    there = (plan.images[name] for name in one.group.images if name in plan.images)
    found = next((image for image in there if plan.waste.get(image.id)), None)
    return (
        "" if found is None else f"; {format_size(plan.waste[found.id])} of {found.name} is waste (`optbuild inspect`)"
    )


def _describe_savings(plan: Plan) -> str:
    """Of all groups that would share an image, as far as their images were measured."""
    planned = [one for one in plan.groups if one.target is not None]
    known = [(one.now, one.then) for one in planned if one.now is not None and one.then is not None]
    if not known:
        return f"{UNKNOWN} (bytes were not measured)"
    real = sum(now.real - then.real for now, then in known)
    apparent = sum(now.apparent - then.apparent for now, then in known)
    apart = sum(one.if_apart.real - one.then.real for one in planned if one.if_apart and one.then)
    later = f"; {format_size(apart)} once each image is built by itself" if apart > max(real, 0) else ""
    added = "" if apparent == real else f" ({format_size(max(apparent, 0))} as `docker images` adds up)"
    unknown = f"; {pluralize(len(planned) - len(known), 'group')} not measured" if len(known) < len(planned) else ""
    return f"{format_size(max(real, 0))} on disk now{added}{later}{unknown}"
