"""What `optbuild backup` saved, and what `optbuild restore` checked or brought back: for a person, and as JSON."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from builder.core.naming import shortest_first
from builder.report.table import Column, as_table
from builder.report.units import UNKNOWN, count, one_line, short_id, size
from builder.report.when import iso_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from builder.store.backup import Backup
    from builder.store.manifest import SavedImage
    from builder.store.restore import Checked, Restored

SCHEMA_VERSION = 1
_COLUMNS = (
    Column("image"),
    Column("ID"),
    Column("unpacked", right=True),
    Column("archive", right=True),
    Column("file", gives=True),
    Column("result", moves=True),
)


def backup_text(backup: Backup, folder: str, *, width: int = 0) -> str:
    """``folder`` as the person named it; ``width`` of the terminal in characters, 0: nothing is cut."""
    rows = [_row(one.image, f"{one.how}: it {one.why}" if one.why else str(one.how)) for one in backup.done]
    total = sum(one.image.bytes for one in backup.done)
    lines = list(as_table(_COLUMNS, rows, width=width, indent="")) if rows else []
    lines += [f"not saved: {one_line(identity)}: {one_line(why)}" for identity, why in backup.failed.items()]
    if backup.done:
        lines.append("")
        lines.append(
            f"{count(len(backup.done), 'image')} whole in {one_line(folder)}, {size(total)}; "
            f"`optbuild restore {shlex.quote(folder)}` brings them back"
        )
    lines += _only_pulled([one.image for one in backup.done])
    return _joined(lines)


def _only_pulled(images: Sequence[SavedImage]) -> Iterator[str]:
    for image in images:
        if image.digests and not image.names:
            yield (
                f"note: {short_id(image.id)} is known as {one_line(image.digests[0])}; no archive can bring that name "
                "back, only a pull gives it"
            )


def backup_json(backup: Backup, folder: str) -> str:
    """Bytes as whole numbers; keys are only ever added within one schema version."""
    return _json(
        {
            "folder": folder,
            "images": [{**_image(one.image), "result": str(one.how), "damage": one.why} for one in backup.done],
            "failed": [{"id": identity, "reason": why} for identity, why in backup.failed.items()],
        }
    )


def check_text(checked: Sequence[Checked], *, width: int = 0) -> str:
    """As :func:`backup_text`."""
    rows = [_row(one.image, one.why or "whole") for one in checked]
    bad = sum(one.contents is None for one in checked)
    last = f"{count(bad, 'archive')} of {len(checked)} damaged" if bad else f"{count(len(checked), 'archive')} whole"
    return _joined([*as_table(_COLUMNS, rows, width=width, indent=""), "", f"{last}; nothing was loaded"])


def check_json(checked: Sequence[Checked]) -> str:
    """As :func:`backup_json`."""
    return _json(
        {"images": [{**_image(one.image), "whole": one.contents is not None, "damage": one.why} for one in checked]}
    )


def restore_text(restored: Sequence[Restored], *, width: int = 0) -> str:
    """As :func:`backup_text`."""
    rows = [_row(one.image, "loaded" if one.loaded else "was there already") for one in restored]
    lines = list(as_table(_COLUMNS, rows, width=width, indent=""))
    for one in restored:
        lines += [f"{one_line(name)} is {one.id}{_before(one.moved, name)}" for name in one.named]
        if one.id != one.image.id:
            lines.append(f"note: this engine knows {one.image.id} as {one.id}: it keeps images in another way")
    return _joined(lines)


def _before(moved: Mapping[str, str], name: str) -> str:
    return f" (it was {moved[name]})" if name in moved else ""


def restore_json(restored: Sequence[Restored]) -> str:
    """As :func:`backup_json`."""
    return _json(
        {
            "images": [
                {**_image(one.image), "id_here": one.id, "loaded": one.loaded}
                | {"named": list(one.named), "moved_from": dict(one.moved)}
                for one in restored
            ]
        }
    )


def _row(image: SavedImage, result: str) -> tuple[str, ...]:
    names = shortest_first(image.names) or image.digests[:1] or (UNKNOWN,)
    more = f" +{len(names) - 1}" if len(names) > 1 else ""
    return f"{names[0]}{more}", short_id(image.id), size(image.unpacked), size(image.bytes), image.file, result


def _image(image: SavedImage) -> dict[str, Any]:
    return {
        "id": image.id,
        "names": list(image.names),
        "digests": list(image.digests),
        "platform": image.platform,
        "created": iso_of(image.created),
        "unpacked_bytes": image.unpacked,
        "file": image.file,
        "file_bytes": image.bytes,
        "sha256": image.sha256,
        "saved": iso_of(image.saved),
    }


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps({"schema_version": SCHEMA_VERSION, **document}, indent=1) + "\n"


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
