"""Saving images of an engine: what is in the folder afterwards is whole, whatever happened."""

from __future__ import annotations

import errno
import io
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from archive_files import image, tar
from fake_archive_engine import LAYER, Notes, SavingEngine, files
from hypothesis import given
from hypothesis import strategies as st

from builder.core.errors import (
    BackupDiskError,
    BackupFolderError,
    DamagedBackupError,
    DiskFullError,
    EngineFailedError,
    ExitCode,
    NoSuchImageError,
)
from builder.store.backup import BackupStatus, back_up_images, resolve_image_ids, save_images
from builder.store.manifest import MANIFEST_FILE, Manifest, read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def engine() -> SavingEngine:
    return SavingEngine()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups" / "of today"


def archive(path: Path) -> bytes:
    return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(path.read_bytes())).read()


def test_an_image_is_saved_as_the_engine_sends_it(engine: SavingEngine, folder: Path) -> None:
    identity = engine.add(LAYER, tar({"b": b"2"}), names=("another-app:2", "app:2", "app:1"))
    (saved,) = save_images(engine, [identity], folder, Notes())
    assert (saved.id, saved.names, saved.platform) == (identity, ("app:1", "app:2", "another-app:2"), "linux/amd64")
    assert saved.unpacked == 300 * 6 + 2048 + 1
    assert archive(folder / saved.file) == engine.archives[identity]
    assert saved.bytes == (folder / saved.file).stat().st_size < saved.tar_bytes
    assert (folder / saved.file).stat().st_mode & 0o777 == 0o600
    assert files(folder) == [saved.file, MANIFEST_FILE]
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.images == (saved,)


def test_what_is_there_is_checked_and_not_saved_again(engine: SavingEngine, folder: Path) -> None:
    one = engine.add(LAYER, names=("app:1",))
    first = back_up_images(engine, [one], folder, Notes())
    two = engine.add(tar({"b": b"2"}))
    second = back_up_images(engine, [one, two, one], folder, Notes())
    assert [done.how for done in second.done] == [BackupStatus.KEPT, BackupStatus.SAVED]
    assert second.done[0].image == first.done[0].image
    assert engine.sends == 2


def test_an_image_that_got_other_names_is_not_saved_again_but_named_anew(engine: SavingEngine, folder: Path) -> None:
    identity = engine.add(LAYER, names=("app:1",))
    save_images(engine, [identity], folder, Notes())
    engine.names = {"other:3": identity}
    (saved,) = save_images(engine, [identity], folder, Notes())
    assert saved.names == ("other:3",)
    assert engine.sends == 1
    assert files(folder) == [saved.file, MANIFEST_FILE]
    assert saved.file.startswith("app-")


def spoil(path: Path, how: str) -> None:
    data = path.read_bytes()
    middle = len(data) // 2
    changed = {
        "flipped": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        "truncated": data[:middle],
        "longer": data + b"\0",
        "empty": b"",
    }
    path.unlink()
    if how == "a folder":
        path.mkdir()
    elif how == "a pipe":
        os.mkfifo(path)
    elif how != "gone":
        path.write_bytes(changed[how])


@pytest.mark.parametrize("how", ["flipped", "truncated", "longer", "empty", "gone", "a pipe"])
def test_a_damaged_archive_is_saved_again_and_said(engine: SavingEngine, folder: Path, how: str) -> None:
    identity, notes = engine.add(LAYER, names=("app:1",)), Notes()
    (saved,) = save_images(engine, [identity], folder, notes)
    spoil(folder / saved.file, how)
    again = back_up_images(engine, [identity], folder, notes)
    assert again.done[0].how is BackupStatus.AGAIN
    assert again.done[0].why
    assert f"{saved.file} {again.done[0].why}: it is saved again" in notes.text
    assert archive(folder / saved.file) == engine.archives[identity]
    assert back_up_images(engine, [identity], folder, notes).done[0].how is BackupStatus.KEPT


def test_another_size_is_seen_without_reading(engine: SavingEngine, folder: Path) -> None:
    identity = engine.add(LAYER)
    (saved,) = save_images(engine, [identity], folder, Notes())
    spoil(folder / saved.file, "longer")
    assert (
        back_up_images(engine, [identity], folder, Notes()).done[0].why
        == f"has {saved.bytes + 1} bytes, not {saved.bytes}"
    )


def test_a_stop_while_an_archive_is_put_in_place_of_another_leaves_no_wrong_entry(
    engine: SavingEngine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = engine.add(LAYER)
    (saved,) = save_images(engine, [identity], folder, Notes())
    spoil(folder / saved.file, "flipped")
    real = Path.replace

    def stop_behind(path: Path, target: Path) -> Path:
        found = real(path, target)
        if target.name == saved.file:
            raise KeyboardInterrupt
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", stop_behind)
        with pytest.raises(KeyboardInterrupt):
            save_images(engine, [identity], folder, Notes())
    assert read_manifest(folder) == Manifest()
    assert back_up_images(engine, [identity], folder, Notes()).done[0].how is BackupStatus.SAVED


def test_a_damaged_archive_stays_damaged_while_its_image_cannot_be_saved(engine: SavingEngine, folder: Path) -> None:
    """Whatever is left of it may be all that there is."""
    identity = engine.add(LAYER, names=("app:1",))
    (saved,) = save_images(engine, [identity], folder, Notes())
    spoil(folder / saved.file, "truncated")
    left = (folder / saved.file).read_bytes()
    engine.spoilt[identity] = engine.archives[identity][:4000]
    assert list(back_up_images(engine, [identity], folder, Notes()).failed) == [identity]
    assert (folder / saved.file).read_bytes() == left
    assert files(folder) == [saved.file, MANIFEST_FILE]


def test_what_a_killed_run_left_half_is_removed_and_nothing_else(engine: SavingEngine, folder: Path) -> None:
    folder.mkdir(parents=True)
    half = (".app-0123456789ab.tar.zst.part", f".{MANIFEST_FILE}.x8_abcde")
    foreign = (".hidden", "notes.txt", "other.tar.zst", ".x.part")
    for name in (*half, *foreign):
        (folder / name).write_bytes(b"x")
    notes = Notes()
    (saved,) = save_images(engine, [engine.add(LAYER)], folder, notes)
    assert files(folder) == sorted((*foreign, saved.file, MANIFEST_FILE))
    assert all(name in notes.text for name in half)


ONE = image(LAYER, tar({"b": b"2" * 900}))


@given(st.data())
def test_whatever_the_engine_sends_instead_is_not_taken_for_the_image(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Ends early, a changed byte, pieces that come in another order. Bytes that belong to no image may differ: what
    counts is that the image is in the archive whole."""
    engine, folder = SavingEngine(), tmp_path_factory.mktemp("saved")
    identity = engine.take(ONE)
    place = data.draw(st.integers(0, len(ONE) - 1))
    cut = data.draw(st.integers(0, len(ONE) - 1))
    engine.spoilt[identity] = data.draw(
        st.sampled_from(
            [
                ONE[:place],
                ONE[:place] + bytes([ONE[place] ^ 1]) + ONE[place + 1 :],
                ONE[place:] + ONE[:place],
                ONE[: min(place, cut)] + ONE[max(place, cut) :],
            ]
        )
    )
    outcome = back_up_images(engine, [identity], folder, Notes())
    if outcome.failed:
        assert files(folder) == []
        return
    engine.remove(identity)
    assert engine.take(archive(folder / outcome.done[0].image.file)) == identity


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(image(tar({"x": b"other"})), id="another image"),
        pytest.param(image(LAYER, tags=("app:1",)), id="with names"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"no archive" * 1000, id="garbage"),
    ],
)
def test_another_archive_is_not_taken(engine: SavingEngine, folder: Path, sent: bytes) -> None:
    bad, good, notes = engine.add(LAYER), engine.add(tar({"good": b"1"})), Notes()
    engine.spoilt[bad] = sent
    saved = save_images(engine, [bad, good], folder, notes)
    assert [one.id for one in saved] == [good]
    assert f"{bad} was not saved: " in notes.text
    assert files(folder) == [saved[0].file, MANIFEST_FILE]


def test_an_archive_without_its_end_is_not_taken(engine: SavingEngine, folder: Path) -> None:
    """Cut off behind a whole entry: a connection that ends early looks like this."""
    identity = engine.add(LAYER)
    whole = engine.archives[identity]
    engine.spoilt[identity] = whole[: len(whole.rstrip(b"\0")) // 512 * 512 + 512]
    assert back_up_images(engine, [identity], folder, Notes()).failed == {identity: "the archive ends early"}


def test_an_engine_that_says_one_thing_and_sends_another_is_noticed(folder: Path) -> None:
    class Confused(SavingEngine):
        def inspect_image(self, image: str) -> dict[str, Any]:
            return {**super().inspect_image(image), "RootFS": {"Layers": ["sha256:other"]}}

    engine = Confused()
    identity = engine.add(LAYER)
    assert "sent other layers" in back_up_images(engine, [identity], folder, Notes()).failed[identity]
    assert files(folder) == []


def test_a_disk_that_keeps_other_bytes_is_noticed(
    engine: SavingEngine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole bytes even, but not those that were written."""
    identity = engine.add(LAYER)

    def forget(_: int) -> None:
        for path in folder.glob(".*.part"):
            path.write_bytes(zstandard.compress(engine.archives[identity], 9))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", forget)
        failed = back_up_images(engine, [identity], folder, Notes()).failed
    assert failed == {identity: "what was written reads back as something else"}
    assert files(folder) == []


def test_an_image_that_vanishes_is_left_out(engine: SavingEngine, folder: Path) -> None:
    one, two = engine.add(LAYER), engine.add(tar({"b": b"2"}))
    engine.remove(one)
    outcome = back_up_images(engine, [one, two], folder, Notes())
    assert [done.image.id for done in outcome.done] == [two]
    assert outcome.failed == {one: "the engine has no such image any more"}


class Vanishing(SavingEngine):
    """Somebody removes an image once it was asked for."""

    which = ""

    def get_image(self, image: str, chunk_size: int = 0) -> Iterator[bytes]:
        if image == self.which:
            self.remove(image)
        return super().get_image(image)


def test_an_image_that_vanishes_between_question_and_answer_is_left_out(folder: Path) -> None:
    engine = Vanishing()
    one, two = engine.add(LAYER), engine.add(tar({"b": b"2"}))
    engine.which = one
    outcome = back_up_images(engine, [one, two], folder, Notes())
    assert [done.image.id for done in outcome.done] == [two]
    assert outcome.failed == {one: "the engine has no such image any more"}
    assert len(files(folder)) == 2, "its half archive is gone: one archive and the manifest are there"


class Stopping(SavingEngine):
    """Something happens while it sends."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def get_image(self, image: str, chunk_size: int = 0) -> Iterator[bytes]:
        for number, chunk in enumerate(super().get_image(image)):
            if number == 2:
                raise self.error
            yield chunk


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (KeyboardInterrupt(), KeyboardInterrupt),
        (EngineFailedError("it went away"), EngineFailedError),
        (OSError(errno.ENOSPC, "No space left on device"), DiskFullError),
        (OSError(errno.EFBIG, "File too large"), BackupDiskError),
        (OSError(errno.EIO, "Input/output error"), BackupDiskError),
        (OSError(errno.EMFILE, "Too many open files"), OSError),
    ],
)
def test_a_run_that_stops_leaves_nothing_half(folder: Path, error: BaseException, seen: type[BaseException]) -> None:
    engine = Stopping(error)
    identity = engine.add(LAYER)
    with pytest.raises(seen):
        save_images(engine, [identity], folder, Notes())
    assert files(folder) == []


def test_a_disk_that_takes_no_large_file_is_named_with_a_way_out(folder: Path) -> None:
    """A FAT32 stick ends at 4 GiB."""
    engine = Stopping(OSError(errno.EFBIG, "File too large"))
    with pytest.raises(BackupDiskError) as caught:
        save_images(engine, [engine.add(LAYER, names=["app:1"])], folder, Notes())
    assert str(caught.value).startswith(f"app:1 cannot be written to {folder}: File too large\n  next: ")
    assert "FAT32" in str(caught.value)
    assert caught.value.exit_code is ExitCode.ENGINE


def test_a_stop_at_the_manifest_leaves_the_archive_for_the_next_run(
    engine: SavingEngine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = engine.add(LAYER)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("builder.store.backup.write_manifest", stop)
        with pytest.raises(KeyboardInterrupt):
            save_images(engine, [identity], folder, Notes())
    assert read_manifest(folder) is None
    (saved,) = save_images(engine, [identity], folder, Notes())
    assert files(folder) == [saved.file, MANIFEST_FILE]


def disk(monkeypatch: pytest.MonkeyPatch, *free: int) -> None:
    left = list(free)
    usage = shutil.disk_usage("/")

    def told(_: object) -> Any:
        return usage._replace(free=left.pop(0) if len(left) > 1 else left[0])

    monkeypatch.setattr(shutil, "disk_usage", told)


def test_a_disk_without_room_is_said_before(
    engine: SavingEngine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk(monkeypatch, 50 << 20)
    with pytest.raises(DiskFullError, match="has 52 MB free"):
        save_images(engine, [engine.add(LAYER)], folder, Notes())
    assert engine.sends == 0
    assert files(folder) == []


def test_an_engine_without_room_to_pack_is_said_before(engine: SavingEngine, folder: Path) -> None:
    engine.free = 10 << 20
    with pytest.raises(DiskFullError, match="the engine's disk has 10 MB free; packing"):
        save_images(engine, [engine.add(LAYER)], folder, Notes())
    assert engine.sends == 0


def test_a_disk_is_not_filled_to_its_last_byte(
    engine: SavingEngine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.store.disk_space.LOOK_EVERY", 1000)
    disk(monkeypatch, 10 << 30, 10 << 30, 5 << 20)
    with pytest.raises(DiskFullError, match="no room for the rest"):
        save_images(engine, [engine.add(LAYER)], folder, Notes())
    assert files(folder) == []


def test_a_full_disk_needs_no_room_for_what_is_there(
    engine: SavingEngine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = engine.add(LAYER)
    save_images(engine, [identity], folder, Notes())
    disk(monkeypatch, 0)
    assert back_up_images(engine, [identity], folder, Notes()).done[0].how is BackupStatus.KEPT


def test_a_file_is_no_folder(engine: SavingEngine, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(BackupFolderError, match="no backup can be written to"):
        save_images(engine, [engine.add(LAYER)], tmp_path / "file", Notes())
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_a_damaged_manifest_is_not_written_over(engine: SavingEngine, folder: Path) -> None:
    """What its archives were is known to nobody else."""
    identity = engine.add(LAYER)
    save_images(engine, [identity], folder, Notes())
    broken = (folder / MANIFEST_FILE).read_bytes()[:-10]
    (folder / MANIFEST_FILE).write_bytes(broken)
    with pytest.raises(DamagedBackupError, match="is damaged"):
        save_images(engine, [identity], folder, Notes())
    assert (folder / MANIFEST_FILE).read_bytes() == broken


def test_names_and_ids_of_one_image_mean_it_once(engine: SavingEngine) -> None:
    one, two = engine.add(LAYER, names=("app:1", "app:2")), engine.add(tar({"b": b"2"}), names=("b:1",))
    assert resolve_image_ids(engine, ["app:2", "b:1", "app:1", one]) == (one, two)


def test_an_unknown_name_is_said_with_the_nearest(engine: SavingEngine) -> None:
    engine.add(LAYER, names=("airflow:latest",))
    with pytest.raises(NoSuchImageError) as caught:
        resolve_image_ids(engine, ["airflow:lates"])
    assert "airflow:latest" in str(caught.value)


def test_all_unknown_names_are_said_at_once(engine: SavingEngine) -> None:
    engine.add(LAYER, names=("a:1",))
    with pytest.raises(NoSuchImageError, match="the engine has no images nope, nope2"):
        resolve_image_ids(engine, ["a:1", "nope", "nope2"])
