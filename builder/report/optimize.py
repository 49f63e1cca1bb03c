"""What ``optbuild optimize`` says: before it asks, and at the end."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from builder.compose.model import Source
from builder.compose.sharing.groups import builders_of
from builder.compose.sharing.recipe_comment import by_hand
from builder.core.phrases import listed
from builder.core.redact import mask_text
from builder.report.findings import wrapped
from builder.report.units import UNKNOWN, count, short_id, size
from builder.rollout.file_swap import free_backup
from builder.rollout.result import refused_of, warnings_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.compose.model import GroupPlan, Target
    from builder.rollout.preview import Ready
    from builder.rollout.replaced_images import OldImage
    from builder.rollout.result import Outcome, ServiceOutcome

SCHEMA_VERSION = 1


def to_do(ready: Ready, *, file_only: bool) -> str:
    """What happens when the person says yes, what it gains, and what to mind."""
    lines = [] if file_only else [line for target in ready.work.targets for line in _source(ready, target)]
    lines += [
        f"write    {edit.path} (the old bytes go to {free_backup(edit.path.resolve()).name} beside it)"
        for edit in ready.work.edits
    ]
    if not file_only:
        lines.append(_restarts(ready))
    lines += [line for target in ready.work.targets for line in _bytes(ready, target)]
    return "".join(f"  {line}\n" for line in lines) + "".join(f"{line}\n" for line in _mind(ready))


def _bytes(ready: Ready, target: Target) -> Iterator[str]:
    """Nothing where the services have no image yet, or nobody measured."""
    for one in _groups(ready):
        if one.target != target or one.now is None:
            continue
        added = "" if one.now.apparent == one.now.real else f" ({size(one.now.apparent)} as `docker images` adds up)"
        yield f"bytes    {size(one.now.real)} on disk now{added}, then {size(one.then.real if one.then else None)}"


def _mind(ready: Ready) -> Iterator[str]:
    for text in warnings_of(ready.planned.plan, ready.work.targets):
        yield from wrapped(text, "  mind     ")


def nothing_to_do(ready: Ready) -> str:
    """And why not, for every build that several services share the making of."""
    plan = ready.planned.plan
    left = [one for one in plan.groups if one.reason and len(builders_of(plan.project, one.group)) > 1]
    lines = [*wrapped(_headline(refused_of(plan), left=bool(left)), "")]
    for one in left:
        lines += wrapped(f"{', '.join(one.group.services)}: {one.reason}", "  ", "    ")
    for note in plan.notes:
        lines += wrapped(note, "  ", "    ")
    return "".join(f"{line}\n" for line in lines)


def _headline(refused: tuple[str, ...], *, left: bool) -> str:
    if refused:
        return f"Nothing was done: {listed(refused)} could share an image, but the file cannot be edited safely."
    if left:
        return "Nothing to do: what several services build is left as it is."
    return "Nothing to do: no image is built or stored several times that could be shared."


def _source(ready: Ready, target: Target) -> Iterator[str]:
    who = ", ".join(target.services)
    if target.source is Source.SPEC:
        yield f"build    {target.image} from {target.spec_folder}/optbuild.toml, unless it is proven already"
    elif ready.work.rebuild or any(
        (service := ready.work.project.services.get(name)) is not None and service.build is not None
        for name in target.services
    ):
        airflow = any(one.group.airflow and set(one.group.services) & set(target.services) for one in _groups(ready))
        prove = ", and prove it" if airflow else ""
        yield f"build    {target.image} once, for {who}{prove}; nothing stops meanwhile"
    else:
        yield f"take     {target.image}, for {who}"


def _groups(ready: Ready) -> tuple[GroupPlan, ...]:
    return ready.planned.plan.groups


def _restarts(ready: Ready) -> str:
    if not ready.running:
        return "restart  nothing: no affected service has a container"
    others = sorted(set(ready.work.project.services) - set(ready.work.affected))
    untouched = f"; {', '.join(others)} {'stays' if len(others) == 1 else 'stay'} as {_it(others)}" if others else ""
    return f"restart  {', '.join(ready.running)}, in this order{untouched}"


def _it(names: list[str]) -> str:
    return "it is" if len(names) == 1 else "they are"


def as_text(outcome: Outcome) -> str:
    """The report; empty where nothing was done."""
    lines = [*_changes(outcome), *_table(outcome), *_old(outcome), *_habits(outcome)]
    return "".join(f"{line}\n" for line in lines)


def _changes(outcome: Outcome) -> Iterator[str]:
    for path, backup in zip(outcome.files, outcome.backups, strict=True):
        yield f"wrote {path} (before: {backup.name})"
    for image, identity in outcome.images.items():
        before, now = outcome.bytes.get(image, (None, None))
        yield f"{image} is {short_id(identity)}, {size(now)} on disk; its services used {size(before)} before"
    if outcome.files:
        yield "`optbuild rollback` undoes it, byte for byte."
    elif outcome.images:
        yield "`optbuild rollback` starts the image again that was there before."


def _table(outcome: Outcome) -> Iterator[str]:
    if not outcome.services:
        return
    rows = [("service", "image before", "image now", "stopped for", "up after"), *map(_row, outcome.services)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    yield ""
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _row(one: ServiceOutcome) -> tuple[str, str, str, str, str]:
    return (
        one.name,
        _ids(one.before),
        _ids(one.after),
        _seconds(one.downtime.stopped),
        _seconds(one.downtime.until_up),
    )


def _ids(images: tuple[str, ...]) -> str:
    return ", ".join(short_id(image) for image in images) or UNKNOWN


def _seconds(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1f} s"


def _old(outcome: Outcome) -> Iterator[str]:
    if outcome.removed:
        yield ""
        gone = count(len(outcome.removed), "old image")
        yield f"removed {gone}, {size(outcome.freed)} on disk: {_names(outcome.removed)}"
        yield f"{_way_back(outcome.removed, 'has').capitalize()}."
    going = tuple(one for one in outcome.old if not one.kept)
    if going:
        yield ""
        yield f"{count(len(going), 'old image')} that nothing uses now, {_amount(outcome)}: {_names(going)}"
        yield f"  {outcome.command}"
        yield f"removes them (so does `optbuild optimize --clean`); {_way_back(going, 'would then have')}."
    for one in outcome.old:
        if one.kept:
            yield f"{_names((one,))} stays: {one.kept}"


def _way_back(images: tuple[OldImage, ...], must: str) -> str:
    again = [one for one in images if one.again]
    if not again:
        return "no rollback goes back to them"
    return f"a rollback {must} to build {'some of ' * (len(again) < len(images))}them again"


def _amount(outcome: Outcome) -> str:
    """What removing the old images gives back."""
    freed = outcome.freed
    return "no bytes of their own (images that stay have the same layers)" if freed == 0 else f"{size(freed)} on disk"


def _names(images: tuple[OldImage, ...]) -> str:
    return ", ".join(" ".join(one.references) or short_id(one.image_id) for one in images)


def _habits(outcome: Outcome) -> Iterator[str]:
    if not outcome.files:
        return
    yield ""
    yield "What is typed differently now:"
    for target in outcome.targets:
        name = next((service for service in target.services if service != target.builder), target.services[0])
        yield f"  `docker compose build {name}` builds nothing any more: {build_words(target)}"
        yield f"  {_up(target, name)}"


def _up(target: Target, name: str) -> str:
    """Which `up` does not make the image, and what does where this machine's memory does not help."""
    up = f"up --no-deps {name}" if target.source is Source.BUILDER else "up"
    command = by_hand(target.note)
    build = build_words(target) if command is None else f"`{mask_text(command)}`"
    if target.source is Source.IMAGE_ONLY and command is None:
        build = f"`docker load` a `docker save {target.image}` of this one"
    return f"`docker compose {up}` needs the image to be there: on a new machine first {build}"


def build_words(target: Target) -> str:
    """The command that makes a target's image."""
    if target.source is Source.SPEC:
        return f"`optbuild build --verify {shlex.quote(str(target.spec_folder))}`"
    if target.source is Source.BUILDER:
        return f"`docker compose build {target.builder}`"
    return "`optbuild optimize --rebuild`"


def as_json(outcome: Outcome) -> str:
    """Keys are only ever added within one schema version; null where nothing was measured."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "project": outcome.project,
        "files": _texts(outcome.files),
        "backups": _texts(outcome.backups),
        "images": dict(outcome.images),
        "services": [_service(one) for one in outcome.services],
        "old_images": [_image(one) for one in outcome.old],
        "removed_images": [_image(one) for one in outcome.removed],
        "bytes": {name: {"before": before, "now": now} for name, (before, now) in outcome.bytes.items()},
        "old_bytes": outcome.freed,
        "removal_command": outcome.command or None,
        "warnings": list(outcome.warnings),
        "refused": list(outcome.refused),
    }
    return json.dumps(document, indent=1) + "\n"


def _texts(paths: tuple[Path, ...]) -> list[str]:
    return [str(path) for path in paths]


def _service(one: ServiceOutcome) -> dict[str, Any]:
    return {
        "name": one.name,
        "image_ids_before": list(one.before),
        "image_ids": list(one.after),
        "running": one.running,
        "stopped_seconds": one.downtime.stopped,
        "up_after_seconds": one.downtime.until_up,
    }


def _image(one: OldImage) -> dict[str, Any]:
    return {"id": one.image_id, "names": list(one.references), "kept": one.kept or None}
