"""What a backup folder says of itself: the same bytes each time, and no other bytes accepted."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.core.errors import BackupFolderError, DamagedBackupError
from builder.store.manifest import (
    MANIFEST_FILE,
    Manifest,
    SavedImage,
    dump_manifest,
    format_file_name,
    parse_manifest,
    read_manifest,
    write_manifest,
)

if TYPE_CHECKING:
    from pathlib import Path


def saved(number: int = 1, **more: Any) -> SavedImage:
    digest = f"{number:064x}"
    image = SavedImage(
        id=f"sha256:{digest}",
        names=(f"app:{number}", "registry.example:5000/team/app:v1.2"),
        digests=(f"registry.example:5000/team/app@sha256:{digest}",),
        platform="linux/arm64/v8",
        created="2026-11-25T12:49:35.969130368Z",
        config=f"sha256:{digest}",
        layers=(f"sha256:{digest}", f"sha256:{'f' * 64}"),
        unpacked=367_000_000,
        file=f"app-{number:012x}.tar.zst",
        bytes=120_000_000,
        sha256=digest,
        tar_bytes=370_000_000,
        tar_sha256=digest,
        saved="2026-11-25T13:29:35Z",
        optbuild="0.1.0",
    )
    return replace(image, **more)


IS_LONG = bool(os.environ.get("OPTBUILD_SOAK"))
TWO = Manifest((saved(1), saved(2)))


def test_reading_gives_what_was_written(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
    write_manifest(tmp_path, TWO)
    assert read_manifest(tmp_path) == TWO
    assert (tmp_path / MANIFEST_FILE).stat().st_mode & 0o777 == 0o600
    assert str(tmp_path) not in (tmp_path / MANIFEST_FILE).read_text()


def test_an_image_that_comes_again_goes_to_the_end() -> None:
    changed = saved(1, names=())
    assert TWO.with_image(changed).images == (saved(2), changed)


names = st.from_regex(r"[a-z0-9]{1,9}(/[a-z]{1,5})?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,9}", fullmatch=True)
images = st.builds(
    lambda number, found, unpacked: saved(number, names=tuple(found), unpacked=unpacked),
    st.integers(0, 16**12 - 1),
    st.lists(names, max_size=4),
    st.integers(0, 10**15),
)


@given(st.lists(images, max_size=4, unique_by=lambda image: image.id))
def test_every_manifest_can_be_read_again(found: list[SavedImage]) -> None:
    manifest = Manifest(tuple(found))
    assert parse_manifest(dump_manifest(manifest), "x") == manifest


def refused(data: bytes) -> bool:
    try:
        parse_manifest(data, "x")
    except (DamagedBackupError, BackupFolderError):
        return True
    return False


GOOD = dump_manifest(TWO)


def test_a_changed_byte_is_noticed_wherever_it_is() -> None:
    """Outside the long runs by one of the changes, which take turns."""
    for place, byte in enumerate(GOOD):
        others = [byte ^ 1, byte ^ 0x20, byte ^ 0x80, ord("0"), ord(" ")]
        for other in {*(others if IS_LONG else [others[place % len(others)]])} - {byte}:
            assert refused(GOOD[:place] + bytes([other]) + GOOD[place + 1 :]), (place, other)


def test_a_manifest_that_ends_early_is_refused_wherever_it_ends() -> None:
    assert all(refused(GOOD[:length]) for length in range(0, len(GOOD), 1 if IS_LONG else 3))
    assert refused(GOOD[:-1])


@given(st.data())
def test_moved_doubled_and_lost_lines_are_noticed(data: st.DataObject) -> None:
    lines = GOOD.splitlines(keepends=True)
    other = data.draw(st.permutations(lines) | st.lists(st.sampled_from(lines), min_size=1))
    assert refused(b"".join(other)) == (other != lines)


@pytest.mark.parametrize(
    "change",
    [
        {"file": "../../etc/passwd"},
        {"file": "/etc/shadow"},
        {"file": "app-000000000001.tar.zst\n"},
        {"names": ("app",)},
        {"names": ("app:1\nx",)},
        {"names": "app"},
        {"id": "sha256:12"},
        {"layers": ("../x",)},
        {"bytes": -1},
        {"bytes": True},
        {"unpacked": 1.5},
        {"created": "\x1b[31m"},
        {"sha256": None},
    ],
)
def test_what_no_optbuild_writes_is_refused_with_a_right_sum_too(change: dict[str, Any]) -> None:
    with pytest.raises(DamagedBackupError):
        parse_manifest(dump_manifest(Manifest((saved(1, **change),))), "x")


def test_two_entries_of_one_image_or_one_file_are_refused() -> None:
    for other in (saved(1, names=()), replace(saved(2), file=saved(1).file)):
        with pytest.raises(DamagedBackupError, match="two entries"):
            parse_manifest(dump_manifest(Manifest((saved(1), other))), "x")


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"null", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"schema_version": 1, "images": 3}', b"1" * 5000],
    ids=lambda data: repr(data[:20]),
)
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(DamagedBackupError, match="x is damaged"):
        parse_manifest(data, "x")


def test_a_manifest_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / MANIFEST_FILE)
    with pytest.raises(BackupFolderError, match="cannot be read: it is not a plain file"):
        read_manifest(tmp_path)


def test_a_newer_format_is_no_damage() -> None:
    newer = json.dumps({**json.loads(GOOD), "schema_version": 2}).encode()
    with pytest.raises(BackupFolderError, match="a newer optbuild"):
        parse_manifest(newer, "x")


def test_what_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(DamagedBackupError):
        write_manifest(tmp_path, Manifest((saved(1, names=("no tag",)),)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("names", "file"),
    [
        (("ml-pipeline-airflow:latest", "b:1"), "ml-pipeline-airflow-0123456789ab.tar.zst"),
        (("registry.example:5000/team/App:1",), "app-0123456789ab.tar.zst"),
        (("a" * 200 + ":1",), "a" * 80 + "-0123456789ab.tar.zst"),
        (("...:1",), "image-0123456789ab.tar.zst"),
        ((), "image-0123456789ab.tar.zst"),
    ],
)
def test_files_have_names_for_a_person(names: tuple[str, ...], file: str) -> None:
    assert format_file_name(names, f"sha256:0123456789ab{'0' * 52}") == file
