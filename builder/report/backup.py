"""What `optbuild backup` saved, and what `optbuild restore` checked or brought back: for a person, and as JSON."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from builder.core.naming import shorten_id, sort_shortest_first
from builder.report.table import Column, format_table
from builder.report.units import UNKNOWN, escape_to_one_line, format_size, pluralize
from builder.report.when import normalize_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from builder.report.documents.backup import ArchiveCheckDocument, ArchiveDocument, BackupDocument, RestoreDocument
    from builder.store.backup import BackupResult
    from builder.store.manifest import SavedImage
    from builder.store.restore import ArchiveCheck, RestoredImage

SCHEMA_VERSION = 1
_COLUMNS = (
    Column("image"),
    Column("ID"),
    Column("unpacked", right=True),
    Column("archive", right=True),
    Column("file", gives=True),
    Column("result", moves=1),
)


def format_backup_text(backup: BackupResult, folder: str, *, width: int = 0) -> str:
    """``folder`` as the person named it; ``width`` of the terminal in characters, 0: nothing is cut."""
    rows = [
        _make_archive_row(one.image, f"{one.how}: it {one.why}" if one.why else str(one.how)) for one in backup.done
    ]
    total = sum(one.image.bytes for one in backup.done)
    lines = list(format_table(_COLUMNS, rows, width=width, indent="")) if rows else []
    lines += [
        f"not saved: {escape_to_one_line(identity)}: {escape_to_one_line(why)}"
        for identity, why in backup.failed.items()
    ]
    if backup.done:
        lines.append("")
        lines.append(
            f"{pluralize(len(backup.done), 'image')} whole in {escape_to_one_line(folder)}, {format_size(total)}; "
            f"`optbuild restore {shlex.quote(folder)}` brings them back"
        )
    lines += _iterate_pull_notes([one.image for one in backup.done])
    return _join_lines(lines)


def _iterate_pull_notes(images: Sequence[SavedImage]) -> Iterator[str]:
    for image in images:
        if image.digests and not image.names:
            yield (
                f"note: {shorten_id(image.id)} is known as {escape_to_one_line(image.digests[0])}; no archive "
                "can restore that name, "
                "only a pull can"
            )


def format_backup_json(backup: BackupResult, folder: str) -> str:
    """Bytes as whole numbers; keys are only ever added within one schema version."""
    document: BackupDocument = {
        "schema_version": SCHEMA_VERSION,
        "folder": folder,
        "images": [{**_make_archive_document(one.image), "result": one.how, "damage": one.why} for one in backup.done],
        "failed": [{"id": identity, "reason": why} for identity, why in backup.failed.items()],
    }
    return _dump_document(document)


def format_archive_check_text(checked: Sequence[ArchiveCheck], *, width: int = 0) -> str:
    """As :func:`format_backup_text`."""
    rows = [_make_archive_row(one.image, one.why or "whole") for one in checked]
    bad = sum(one.contents is None for one in checked)
    last = (
        f"{pluralize(bad, 'archive')} of {len(checked)} damaged"
        if bad
        else f"{pluralize(len(checked), 'archive')} whole"
    )
    return _join_lines([*format_table(_COLUMNS, rows, width=width, indent=""), "", f"{last}; nothing was loaded"])


def format_archive_check_json(checked: Sequence[ArchiveCheck]) -> str:
    """As :func:`format_backup_json`."""
    document: ArchiveCheckDocument = {
        "schema_version": SCHEMA_VERSION,
        "images": [
            {**_make_archive_document(one.image), "whole": one.contents is not None, "damage": one.why}
            for one in checked
        ],
    }
    return _dump_document(document)


def format_restore_text(restored: Sequence[RestoredImage], *, width: int = 0) -> str:
    """As :func:`format_backup_text`."""
    rows = [_make_archive_row(one.image, "loaded" if one.loaded else "was there already") for one in restored]
    lines = list(format_table(_COLUMNS, rows, width=width, indent=""))
    for one in restored:
        lines += [f"{escape_to_one_line(name)} is {one.id}{_format_previous(one.moved, name)}" for name in one.named]
        if one.id != one.image.id:
            lines.append(f"note: this engine knows {one.image.id} as {one.id}: it stores images in another way")
    return _join_lines(lines)


def _format_previous(moved: Mapping[str, str], name: str) -> str:
    return f" (it was {moved[name]})" if name in moved else ""


def format_restore_json(restored: Sequence[RestoredImage]) -> str:
    """As :func:`format_backup_json`."""
    document: RestoreDocument = {
        "schema_version": SCHEMA_VERSION,
        "images": [
            {
                **_make_archive_document(one.image),
                "id_here": one.id,
                "loaded": one.loaded,
                "named": list(one.named),
                "moved_from": dict(one.moved),
            }
            for one in restored
        ],
    }
    return _dump_document(document)


def _make_archive_row(image: SavedImage, result: str) -> tuple[str, ...]:
    names = sort_shortest_first(image.names) or image.digests[:1] or (UNKNOWN,)
    more = f" +{len(names) - 1}" if len(names) > 1 else ""
    return (
        f"{names[0]}{more}",
        shorten_id(image.id),
        format_size(image.unpacked),
        format_size(image.bytes),
        image.file,
        result,
    )


def _make_archive_document(image: SavedImage) -> ArchiveDocument:
    return {
        "id": image.id,
        "names": list(image.names),
        "digests": list(image.digests),
        "platform": image.platform,
        "created": normalize_timestamp(image.created),
        "unpacked_bytes": image.unpacked,
        "file": image.file,
        "file_bytes": image.bytes,
        "sha256": image.sha256,
        "saved": normalize_timestamp(image.saved),
    }


def _dump_document(document: Mapping[str, object]) -> str:
    return json.dumps(document, indent=1) + "\n"


def _join_lines(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
