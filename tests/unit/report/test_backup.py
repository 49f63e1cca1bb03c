"""What a person and a machine read of a backup and of a restore."""

from __future__ import annotations

import json
from dataclasses import replace

from builder.report.backup import (
    format_archive_check_json,
    format_archive_check_text,
    format_backup_json,
    format_backup_text,
    format_restore_json,
    format_restore_text,
)
from builder.store.archive_check import ArchiveContents
from builder.store.backup import BackedUpImage, BackupResult, BackupStatus
from builder.store.manifest import SavedImage
from builder.store.restore import ArchiveCheck, RestoredImage

ID = f"sha256:{'1' * 64}"
OTHER = f"sha256:{'2' * 64}"
SAVED = SavedImage(
    id=ID,
    names=("app:1", "app:2"),
    digests=(),
    platform="linux/amd64",
    created="2026-11-25T12:49:35Z",
    config=ID,
    layers=(OTHER,),
    unpacked=606_000_000,
    file="app-111111111111.tar.zst",
    bytes=190_000_000,
    sha256="3" * 64,
    tar_bytes=620_000_000,
    tar_sha256="4" * 64,
    saved="2026-11-25T13:29:35Z",
    optbuild="0.1.0",
)
CONTENTS = ArchiveContents(
    SAVED.bytes, SAVED.sha256, SAVED.tar_bytes, SAVED.tar_sha256, (ID,), SAVED.layers, SAVED.unpacked
)


def test_a_backup_says_what_became_of_each_image() -> None:
    done = BackupResult((BackedUpImage(SAVED, BackupStatus.SAVED),), {OTHER: "the engine has no such image any more"})
    assert format_backup_text(done, "my backups").splitlines() == [
        "image     ID            unpacked  archive  file                      result",
        "app:1 +1  111111111111    606 MB   190 MB  app-111111111111.tar.zst  saved",
        f"not saved: {OTHER}: the engine has no such image any more",
        "",
        "1 image whole in my backups, 190 MB; `optbuild restore 'my backups'` brings them back",
    ]
    document = json.loads(format_backup_json(done, "my backups"))
    assert (document["schema_version"], document["folder"]) == (1, "my backups")
    assert document["images"][0]["result"] == "saved"
    exact = replace(SAVED, created="2026-11-25T12:49:35.969130368Z")
    first = json.loads(format_backup_json(BackupResult((BackedUpImage(exact, BackupStatus.SAVED),), {}), "x"))[
        "images"
    ][0]
    assert (first["created"], first["saved"]) == ("2026-11-25T12:49:35Z", "2026-11-25T13:29:35Z")
    assert document["failed"] == [{"id": OTHER, "reason": "the engine has no such image any more"}]


def test_a_backup_says_what_was_damaged_and_what_no_archive_can_hold() -> None:
    pulled = replace(SAVED, names=(), digests=(f"app@{OTHER}",))
    text = format_backup_text(BackupResult((BackedUpImage(pulled, BackupStatus.AGAIN, "has 3 bytes, not 4"),), {}), "x")
    assert "saved again: it has 3 bytes, not 4" in text
    assert f"note: 111111111111 is known as app@{OTHER}; no archive can restore that name, only a pull can" in text


def test_nothing_saved_is_no_table() -> None:
    assert format_backup_text(BackupResult((), {ID: "why"}), "x") == f"not saved: {ID}: why\n"


def test_a_check_counts_the_damaged() -> None:
    good, bad = ArchiveCheck(SAVED, CONTENTS), ArchiveCheck(replace(SAVED, id=OTHER), None, "it has 3 bytes, \x1b[31m")
    assert format_archive_check_text([good]).endswith("\n\n1 archive whole; nothing was loaded\n")
    assert format_archive_check_text([good, bad]).endswith("\n\n1 archive of 2 damaged; nothing was loaded\n")
    assert "\x1b" not in format_archive_check_text([bad])
    assert [one["whole"] for one in json.loads(format_archive_check_json([good, bad]))["images"]] == [True, False]


def test_a_restore_says_every_name_that_it_gave() -> None:
    moved = RestoredImage(SAVED, ID, True, ("app:1", "app:2"), {"app:2": OTHER})
    assert format_restore_text([moved]).splitlines()[1:] == [
        "app:1 +1  111111111111    606 MB   190 MB  app-111111111111.tar.zst  loaded",
        f"app:1 is {ID}",
        f"app:2 is {ID} (it was {OTHER})",
    ]
    document = json.loads(format_restore_json([moved]))
    assert document["images"][0]["moved_from"] == {"app:2": OTHER}
    assert document["images"][0]["id_here"] == ID


def test_a_restore_says_when_this_engine_has_another_id_for_it() -> None:
    assert f"note: this engine knows {ID} as {OTHER}" in format_restore_text([RestoredImage(SAVED, OTHER, False)])
