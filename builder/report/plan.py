"""A plan as text for a person and as JSON; both are made from the same value, and hold no value of the environment."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from builder.compose.model import ImageOrigin, Sharing
from builder.core.naming import shorten_id
from builder.core.redact import mask_addresses
from builder.findings.model import sort_findings
from builder.report.colors import make_bold
from builder.report.diff import format_display_path, format_readable_diff, format_unified_diff
from builder.report.findings import format_finding_lines, format_totals, wrap_text
from builder.report.table import Column, format_table
from builder.report.units import UNKNOWN, escape_to_one_line, format_size, pluralize

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from builder.compose.model import Build, FileEdit, ImageBytes, Service
    from builder.compose.planned import GroupPlan, Plan
    from builder.findings.model import Finding

SCHEMA_VERSION = 1
_COLUMNS = (Column("service"), Column("image"), Column("ID"), Column("bytes", right=True))
_SHARING = {
    Sharing.IMAGE: "one image",
    Sharing.LAYERS: "different IDs over equal layers, as one `docker compose build` makes them",
    Sharing.SOME: "different images that share their lower layers only",
    Sharing.NOTHING: "different images that share nothing",
}


def format_plan_text(plan: Plan, *, color: bool = False) -> str:
    """Everything that a person needs to decide: what is there, what was found, what would change, what to type."""
    lines = [*_format_head(plan), *_format_groups(plan, color=color), *_format_findings(plan, color=color)]
    text = "".join(f"{line}\n" for line in lines)
    return f"{text}{_format_edits(plan, color=color)}\n{chr(10).join(_format_next_steps(plan))}\n"


def _format_head(plan: Plan) -> Iterator[str]:
    project = plan.project
    files = ", ".join(
        escape_to_one_line(format_display_path(path, project.files.directory)) for path in project.files.files
    )
    engine = (
        f"engine {escape_to_one_line(plan.engine)}" if plan.engine else "no engine answered, so no bytes were measured"
    )
    yield f"{escape_to_one_line(project.name)}: {pluralize(len(project.services), 'service')} in {files} ({engine})"
    for note in plan.notes:
        yield from wrap_text(note, "note: ", "      ")


def _format_groups(plan: Plan, *, color: bool) -> Iterator[str]:
    shared = [one for one in plan.groups if len(one.group.services) > 1]  # a table each, the others have one
    for one in shared:
        yield ""
        yield make_bold(_format_group_title(plan, one), color=color)
        yield from _format_service_table(plan, one.group.services)
        yield from _format_group_bytes(one)
        yield from _format_old_names(plan, one)
        yield from _format_warnings(plan, one)
    singles = [service for one in plan.groups if len(one.group.services) == 1 for service in one.group.services]
    if singles:
        yield ""
        yield make_bold("Other services: each with an image of its own", color=color)
        yield from _format_service_table(plan, sorted(singles, key=lambda service: service.name))


def _format_group_title(plan: Plan, one: GroupPlan) -> str:
    number = pluralize(len(one.group.services), "service")
    build = one.group.build
    if build is None:
        return f"{number} use {escape_to_one_line(', '.join(one.group.images))}"
    building = len(one.group.builders)
    whose = number if building == len(one.group.services) else f"{building} of {number}"
    return f"{whose} {'builds' if building == 1 else 'build'} {escape_to_one_line(describe_build_source(plan, build))}"


def describe_build_source(plan: Plan, build: Build) -> str:
    """What is built, as a person would name it: a Dockerfile's path relative to the project."""
    path = build.dockerfile_path
    if build.dockerfile_inline is not None:
        text = "a Dockerfile written in the compose file"
    elif path is None:
        text = mask_addresses(f"{build.dockerfile} of {build.context}")
    else:
        text = format_display_path(path, plan.project.files.directory)
    return text if build.target is None else f"{text}, target {build.target}"


def _format_service_table(plan: Plan, services: Sequence[Service]) -> Iterator[str]:
    return format_table(_COLUMNS, (_make_service_row(plan, service) for service in services), width=0)


def _make_service_row(plan: Plan, service: Service) -> tuple[str, str, str, str]:
    there = plan.images.get(service.image_name)
    identity = UNKNOWN if there is None else shorten_id(there.id)
    return service.name, service.image_name, identity, format_size(there.bytes if there else None)


def _format_group_bytes(one: GroupPlan) -> Iterator[str]:
    if one.now is not None:
        kind = f": {_SHARING[one.sharing]}" if one.sharing else ""
        yield from wrap_text(f"{_format_both_sums(one.now)}{kind}", "  now       ")
    elif one.target is not None:
        yield f"  now       {UNKNOWN} (none of these images is on an engine that answers)"
    if one.if_apart is not None and (one.now is None or one.if_apart.real > one.now.real):
        copies, real = one.if_apart.images, format_size(one.if_apart.real)
        yield from wrap_text(
            f"{real} on disk, once each of the {copies} is built without the others' cache", "  if apart  "
        )
    if one.target is not None:
        yield from wrap_text(_format_planned_bytes(one), "  then      ")
    elif one.reason:
        yield from wrap_text(one.reason, "  as it is  ")
    if one.build_seconds is not None:
        yield f"  time      its last build took {one.build_seconds:.0f} s"


def _format_warnings(plan: Plan, one: GroupPlan) -> Iterator[str]:
    """Those that no finding says."""
    said = {detail for finding in plan.findings for detail in finding.details}
    for warning in one.warnings:
        if warning not in said:
            yield from wrap_text(warning, "  mind      ")


def _format_old_names(plan: Plan, one: GroupPlan) -> Iterator[str]:
    """Where the images were found under the names of docker-compose v1 (``project_service``)."""
    names = [service.image_name for service in one.group.services if not service.image]
    old = [plan.images[name].name for name in names if name in plan.images and plan.images[name].name != name]
    if old:
        what = "as docker-compose v1 named it; today's Compose would build it anew"
        if len(old) > 1:
            what = "as docker-compose v1 named them; today's Compose would build them anew"
        yield from wrap_text(f"on the engine as {', '.join(old)}, {what}", "  names     ")


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


def _format_findings(plan: Plan, *, color: bool) -> Iterator[str]:
    yield ""
    yield make_bold(f"Findings: {format_totals(plan.findings)}", color=color)
    yield from format_finding_lines(plan.findings, color=color)


def _format_edits(plan: Plan, *, color: bool) -> str:
    shown = format_readable_diff(plan.edits, plan.project.files.directory, color=color)
    return f"\n{make_bold('The edit', color=color)}\n{shown}" if shown else ""


def _format_next_steps(plan: Plan) -> Iterator[str]:
    lines = []
    if any(edit.changes for edit in plan.edits):
        lines.append("`optbuild optimize` applies exactly this, and `optbuild rollback` undoes it.")
    else:
        yield "Nothing to change in the file."
    if plan.findings:
        code = sort_findings(plan.findings)[0].code
        lines.append(f"`optbuild plan --explain {code}` says why, and what else could be done.")
    yield from (f"{start}{line}" for start, line in zip(("next: ", "      "), lines, strict=False))


def format_plan_json(plan: Plan) -> str:
    """Stable keys, bytes as whole numbers or null; keys are only ever added within one schema version."""
    project = plan.project
    document = {
        "schema_version": SCHEMA_VERSION,
        "project": {
            "name": project.name,
            "directory": str(project.files.directory),
            "files": [format_display_path(path, project.files.directory) for path in project.files.files],
            "services": list(project.services),
        },
        "engine": plan.engine or None,
        "notes": list(plan.notes),
        "groups": [_make_group_document(plan, one) for one in plan.groups],
        "images": {
            name: {"id": image.id, "bytes": image.bytes, "found_as": image.name}
            for name, image in sorted(plan.images.items())
        },
        "findings": [_make_finding_document(finding) for finding in sort_findings(plan.findings)],
        "edits": [_make_edit_document(plan, edit) for edit in plan.edits if edit.changes],
        "affected": list(plan.affected),
    }
    return json.dumps(document, indent=1) + "\n"


def _make_group_document(plan: Plan, one: GroupPlan) -> dict[str, Any]:
    group, target = one.group, one.target
    return {
        "services": list(group.names),
        "images": list(group.images),
        "airflow": group.airflow,
        "builds": None if group.build is None else describe_build_source(plan, group.build),
        "duplicate": group.is_duplicate,
        "target": None
        if target is None
        else {
            "image": target.image,
            "source": target.source.value,
            "builder": target.builder,
            "pull_policy": target.pull_policy,
        },
        "reason": one.reason or None,
        "refused": one.refused,
        "warnings": list(one.warnings),
        "sharing": one.sharing.value if one.sharing else None,
        "bytes": {
            "now": _make_bytes_document(one.now),
            "then": _make_bytes_document(one.then),
            "if_apart": _make_bytes_document(one.if_apart),
        },
        "build_seconds": one.build_seconds,
    }


def _make_bytes_document(found: ImageBytes | None) -> dict[str, int | None]:
    if found is None:
        return {"apparent": None, "real": None, "images": None}
    return {"apparent": found.apparent, "real": found.real, "images": found.images}


def _make_finding_document(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "name": finding.rule.name,
        "severity": finding.severity.word,
        "title": finding.rule.title,
        "file": finding.where.file or None,
        "line": finding.where.line,
        "key": finding.where.key,
        "services": list(finding.services),
        "message": finding.message,
        "details": list(finding.details),
        "fix": finding.fix,
    }


def _make_edit_document(plan: Plan, edit: FileEdit) -> dict[str, Any]:
    folder = plan.project.files.directory
    return {
        "file": format_display_path(edit.path, folder),
        "sha256_before": hashlib.sha256(edit.before).hexdigest(),
        "sha256_after": hashlib.sha256(edit.after).hexdigest(),
        "diff": format_unified_diff((edit,), folder),
    }
