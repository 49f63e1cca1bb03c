"""What ``optbuild optimize`` says: before it asks, and at the end."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from builder.compose.model import ImageOrigin
from builder.compose.sharing.recipe_comment import extract_manual_command
from builder.core.naming import shorten_id
from builder.core.phrases import join_names
from builder.core.redact import mask_text
from builder.report.prose import wrap_text
from builder.report.units import UNKNOWN, format_size, pluralize
from builder.rollout.file_swap import choose_backup_path
from builder.rollout.result import collect_warnings, list_refused_services

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.compose.model import SharedTarget
    from builder.compose.planned import GroupPlan
    from builder.report.documents.optimize import OldImageDocument, OptimizeDocument, RestartedServiceDocument
    from builder.rollout.preview import OptimizePreview
    from builder.rollout.replaced_images import OldImage
    from builder.rollout.result import RolloutResult, ServiceResult

SCHEMA_VERSION = 1


def format_optimize_preview(ready: OptimizePreview, *, file_only: bool) -> str:
    """What happens when the person says yes, what it gains, and what to mind."""
    lines = [] if file_only else [line for target in ready.work.targets for line in _describe_source(ready, target)]
    lines += [
        f"write    {edit.path.resolve()} (the old bytes are saved as {choose_backup_path(edit.path.resolve()).name} "
        "beside it)"
        for edit in ready.work.edits
    ]
    if not file_only:
        lines.append(_format_restarts(ready))
    lines += [line for target in ready.work.targets for line in _format_target_bytes(ready, target)]
    return "".join(f"  {line}\n" for line in lines) + "".join(f"{line}\n" for line in _format_cautions(ready))


def _format_target_bytes(ready: OptimizePreview, target: SharedTarget) -> Iterator[str]:
    """Nothing where the services have no image yet, or nobody measured."""
    for one in _list_group_plans(ready):
        if one.target != target or one.now is None:
            continue
        added = (
            "" if one.now.apparent == one.now.real else f" ({format_size(one.now.apparent)} as `docker images` adds up)"
        )
        yield (
            f"bytes    {format_size(one.now.real)} on disk now{added}, then "
            f"{format_size(one.then.real if one.then else None)}"
        )


def _format_cautions(ready: OptimizePreview) -> Iterator[str]:
    for text in collect_warnings(ready.planned.plan, ready.work.targets):
        yield from wrap_text(text, "  mind     ")


def format_nothing_to_do(ready: OptimizePreview) -> str:
    """And why not, for every build that several services share the making of."""
    plan = ready.planned.plan
    left = [one for one in plan.groups if one.reason and len(one.group.builders) > 1]
    lines = [*wrap_text(_format_headline(list_refused_services(plan), left=bool(left)), "")]
    for one in left:
        lines += wrap_text(f"{', '.join(one.group.names)}: {one.reason}", "  ", "    ")
    for note in plan.notes:
        lines += wrap_text(note, "  ", "    ")
    return "".join(f"{line}\n" for line in lines)


def _format_headline(refused: tuple[str, ...], *, left: bool) -> str:
    if refused:
        return f"Nothing was done: {join_names(refused)} could share an image, but the file cannot be edited safely."
    if left:
        return "Nothing to do: what several services build is left as it is."
    return "Nothing to do: no image that could be shared is built or stored several times."


def _describe_source(ready: OptimizePreview, target: SharedTarget) -> Iterator[str]:
    who = ", ".join(target.services)
    if target.source is ImageOrigin.SPEC:
        yield f"build    {target.image} from {target.spec_folder}/optbuild.toml, unless it is proven already"
    elif ready.work.rebuild or any(
        (service := ready.work.project.services.get(name)) is not None and service.build is not None
        for name in target.services
    ):
        airflow = any(
            one.group.airflow and set(one.group.names) & set(target.services) for one in _list_group_plans(ready)
        )
        prove = ", and prove it" if airflow else ""
        yield f"build    {target.image} once, for {who}{prove}; nothing stops meanwhile"
    else:
        yield f"use      {target.image}, for {who}"


def _list_group_plans(ready: OptimizePreview) -> tuple[GroupPlan, ...]:
    return ready.planned.plan.groups


def _format_restarts(ready: OptimizePreview) -> str:
    if not ready.running:
        return "restart  nothing: no affected service has a container"
    others = sorted(set(ready.work.project.services) - set(ready.work.affected))
    untouched = (
        f"; {', '.join(others)} {'stays' if len(others) == 1 else 'stay'} as {_choose_pronoun(others)}"
        if others
        else ""
    )
    return f"restart  {', '.join(ready.running)}, in this order{untouched}"


def _choose_pronoun(names: list[str]) -> str:
    return "it is" if len(names) == 1 else "they are"


def format_optimize_text(outcome: RolloutResult) -> str:
    """The report; empty where nothing was done."""
    lines = [
        *_format_changes(outcome),
        *_format_result_table(outcome),
        *_format_old_images(outcome),
        *_format_command_changes(outcome),
    ]
    return "".join(f"{line}\n" for line in lines)


def _format_changes(outcome: RolloutResult) -> Iterator[str]:
    for path, backup in zip(outcome.files, outcome.backups, strict=True):
        yield f"wrote {path} (before: {backup.name})"
    for image, identity in outcome.images.items():
        before, now = outcome.bytes.get(image, (None, None))
        yield (
            f"{image} is {shorten_id(identity)}, {format_size(now)} on disk; its services used "
            f"{format_size(before)} before"
        )
    if outcome.files:
        yield "`optbuild rollback` undoes it, byte for byte."
    elif outcome.images:
        yield "`optbuild rollback` starts the previous image again."


def _format_result_table(outcome: RolloutResult) -> Iterator[str]:
    if not outcome.services:
        return
    rows = [
        ("service", "image before", "image now", "stopped for", "up after"),
        *map(_make_result_row, outcome.services),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    yield ""
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _make_result_row(one: ServiceResult) -> tuple[str, str, str, str, str]:
    return (
        one.name,
        _format_ids(one.before),
        _format_ids(one.after),
        _format_seconds(one.downtime.stopped),
        _format_seconds(one.downtime.until_up),
    )


def _format_ids(images: tuple[str, ...]) -> str:
    return ", ".join(shorten_id(image) for image in images) or UNKNOWN


def _format_seconds(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1f} s"


def _format_old_images(outcome: RolloutResult) -> Iterator[str]:
    if outcome.removed:
        yield ""
        gone = pluralize(len(outcome.removed), "old image")
        yield f"removed {gone}, {format_size(outcome.freed)} on disk: {_format_image_names(outcome.removed)}"
        yield f"{_describe_rollback_cost(outcome.removed, 'has').capitalize()}."
    going = tuple(one for one in outcome.old if not one.kept)
    if going:
        yield ""
        yield (
            f"{pluralize(len(going), 'old image')} that nothing uses now, {_format_freed_bytes(outcome)}: "
            f"{_format_image_names(going)}"
        )
        yield f"  {outcome.command}"
        yield (
            f"removes them (so does `optbuild optimize --clean`); {_describe_rollback_cost(going, 'would then have')}."
        )
    for one in outcome.old:
        if one.kept:
            yield f"{_format_image_names((one,))} stays: {one.kept}"


def _describe_rollback_cost(images: tuple[OldImage, ...], must: str) -> str:
    again = [one for one in images if one.again]
    if not again:
        return "no rollback returns to them"
    return f"a rollback {must} to build {'some of ' * (len(again) < len(images))}them again"


def _format_freed_bytes(outcome: RolloutResult) -> str:
    """What removing the old images gives back."""
    freed = outcome.freed
    return (
        "no bytes of their own (images that stay have the same layers)"
        if freed == 0
        else f"{format_size(freed)} on disk"
    )


def _format_image_names(images: tuple[OldImage, ...]) -> str:
    return ", ".join(" ".join(one.references) or shorten_id(one.image_id) for one in images)


def _format_command_changes(outcome: RolloutResult) -> Iterator[str]:
    if not outcome.files:
        return
    yield ""
    yield "Commands that are different now:"
    for target in outcome.targets:
        name = next((service for service in target.services if service != target.builder), target.services[0])
        yield f"  `docker compose build {name}` builds nothing any more: {format_target_command(target)}"
        if target.image in outcome.starts:
            yield f"  `{outcome.starts[target.image]}` needs the image: {_describe_remedy(target)}"


def _describe_remedy(target: SharedTarget) -> str:
    """What makes the image where this machine's memory does not help."""
    command = extract_manual_command(target.note)
    build = format_target_command(target) if command is None else f"`{mask_text(command)}`"
    if target.source is ImageOrigin.IMAGE_ONLY and command is None:
        build = f"copy it there: `docker save {target.image}` here, `docker load` there"
    return f"on a new machine, first {build}"


def format_target_command(target: SharedTarget) -> str:
    """The command that makes a target's image."""
    if target.source is ImageOrigin.SPEC:
        return f"`optbuild build --verify {shlex.quote(str(target.spec_folder))}`"
    if target.source is ImageOrigin.BUILDER:
        return f"`docker compose build {target.builder}`"
    return "`optbuild optimize --rebuild`"


def format_optimize_json(outcome: RolloutResult) -> str:
    """Keys are only ever added within one schema version; null where nothing was measured."""
    document: OptimizeDocument = {
        "schema_version": SCHEMA_VERSION,
        "project": outcome.project,
        "files": _format_paths(outcome.files),
        "backups": _format_paths(outcome.backups),
        "images": dict(outcome.images),
        "services": [_make_service_document(one) for one in outcome.services],
        "old_images": [_make_old_image_document(one) for one in outcome.old],
        "removed_images": [_make_old_image_document(one) for one in outcome.removed],
        "bytes": {name: {"before": before, "now": now} for name, (before, now) in outcome.bytes.items()},
        "old_bytes": outcome.freed,
        "removal_command": outcome.command or None,
        "warnings": list(outcome.warnings),
        "refused": list(outcome.refused),
    }
    return json.dumps(document, indent=1) + "\n"


def _format_paths(paths: tuple[Path, ...]) -> list[str]:
    return [str(path) for path in paths]


def _make_service_document(one: ServiceResult) -> RestartedServiceDocument:
    return {
        "name": one.name,
        "image_ids_before": list(one.before),
        "image_ids": list(one.after),
        "running": one.running,
        "stopped_seconds": one.downtime.stopped,
        "up_after_seconds": one.downtime.until_up,
    }


def _make_old_image_document(one: OldImage) -> OldImageDocument:
    return {"id": one.image_id, "names": list(one.references), "kept": one.kept or None}
