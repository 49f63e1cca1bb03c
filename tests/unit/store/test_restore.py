"""Bringing images back: everything is checked before the engine gets a byte, and no name is taken from its image."""

from __future__ import annotations

import json
import os
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from archive_files import blob, config_of, image, info, sha256, tar, tar_of
from fake_archive_engine import LAYER, Notes, SavingEngine, forged
from hypothesis import given
from hypothesis import strategies as st

from builder.core.errors import (
    BackupFolderError,
    BadImageArchiveError,
    DamagedBackupError,
    DiskFullError,
    EngineFailedError,
    NamesTakenError,
    NoSuchImageError,
    OptbuildError,
)
from builder.core.progress import SilentProgress
from builder.store.backup import save_images
from builder.store.manifest import MANIFEST_FILE, SavedImage, read_manifest
from builder.store.restore import RestoredImage, check_archives, restore_images, select_images

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

QUIET = SilentProgress()


@pytest.fixture
def engine() -> SavingEngine:
    return SavingEngine()


def bring_back(
    engine: SavingEngine, path: Path, *references: str, replace_tags: bool = False
) -> tuple[RestoredImage, ...]:
    chosen = select_images(path, references)
    return restore_images(engine, chosen, check_archives(chosen, QUIET), QUIET, replace_tags=replace_tags)


def backup(folder: Path, *named: str, number: int = 1) -> SavedImage:
    """Of an image that another engine has."""
    other = SavingEngine()
    (saved,) = save_images(other, [other.add(LAYER, tar({"n": b"%d" % number}), names=named)], folder, QUIET)
    return saved


def test_an_image_comes_back_with_its_id_and_names(engine: SavingEngine, tmp_path: Path) -> None:
    saved = backup(tmp_path, "app:1", "app:2")
    (done,) = bring_back(engine, tmp_path)
    assert (done.id, done.loaded, done.named) == (saved.id, True, ("app:1", "app:2"))
    assert engine.names == {"app:1": saved.id, "app:2": saved.id}


def test_what_is_there_is_not_loaded_again_and_gets_the_names_it_lacks(engine: SavingEngine, tmp_path: Path) -> None:
    saved = backup(tmp_path, "app:1", "app:2")
    bring_back(engine, tmp_path)
    del engine.names["app:2"]
    (done,) = bring_back(engine, tmp_path)
    assert (done.loaded, done.named, engine.loads) == (False, ("app:2",), 1)
    assert engine.names == {"app:1": saved.id, "app:2": saved.id}


def test_a_name_that_another_image_has_now_stays_with_it(engine: SavingEngine, tmp_path: Path) -> None:
    saved = backup(tmp_path, "app:1", "app:2")
    other = engine.add(tar({"new": b"1"}), names=("app:2",))
    with pytest.raises(NamesTakenError) as caught:
        bring_back(engine, tmp_path)
    assert all(word in str(caught.value) for word in ("app:2", saved.id, other, "--replace-tags"))
    assert (engine.loads, engine.names) == (0, {"app:2": other})


def test_a_name_moves_when_it_is_asked_for(engine: SavingEngine, tmp_path: Path) -> None:
    saved = backup(tmp_path, "app:1")
    other = engine.add(tar({"new": b"1"}), names=("app:1",))
    (done,) = bring_back(engine, tmp_path, replace_tags=True)
    assert done.moved == {"app:1": other}
    assert engine.names == {"app:1": saved.id}
    assert other in engine.archives


def test_a_name_that_is_given_away_during_the_load_is_not_taken_back(engine: SavingEngine, tmp_path: Path) -> None:
    saved = backup(tmp_path, "app:1")
    other = engine.add(tar({"new": b"1"}))

    class Busy(SavingEngine):
        def load(self, chunks: Iterable[bytes]) -> None:
            super().load(chunks)
            self.names["app:1"] = other

    busy = Busy()
    busy.archives[other] = engine.archives[other]
    with pytest.raises(EngineFailedError, match="somebody gave app:1 to"):
        bring_back(busy, tmp_path)
    assert busy.names == {"app:1": other}
    assert saved.id in busy.archives


def test_a_name_that_two_images_had_is_the_later_ones(engine: SavingEngine, tmp_path: Path) -> None:
    old, new = backup(tmp_path, "app:1", "app:old"), backup(tmp_path, "app:1", number=2)
    bring_back(engine, tmp_path)
    assert engine.names == {"app:1": new.id, "app:old": old.id}
    backup(tmp_path, "app:1")  # the first image got it again
    again = SavingEngine()
    bring_back(again, tmp_path)
    assert again.names == {"app:1": old.id}


def test_images_are_named_by_name_id_and_file(engine: SavingEngine, tmp_path: Path) -> None:
    one, two = backup(tmp_path, "app:latest"), backup(tmp_path, "docker.io/library/b:1", number=2)
    assert select_images(tmp_path, ["app"]).images == (one,)
    assert select_images(tmp_path, ["b:1", one.id, "app:latest"]).images == (two, one)
    assert select_images(tmp_path, [two.id.removeprefix("sha256:")[:12]]).images == (two,)
    assert select_images(tmp_path / two.file, []).images == (two,)
    assert select_images(tmp_path / MANIFEST_FILE, []).images == (one, two)
    with pytest.raises(NoSuchImageError, match="has no image ap"):
        select_images(tmp_path, ["ap"])
    with pytest.raises(NoSuchImageError):
        select_images(tmp_path / two.file, ["app"])
    with pytest.raises(NoSuchImageError, match=f"{tmp_path} has no images ap, ab"):
        select_images(tmp_path, ["ap", "app", "ab"])


def test_a_name_of_several_images_has_to_be_said_by_id(tmp_path: Path) -> None:
    one, two = backup(tmp_path, "app:1"), backup(tmp_path, "app:1", number=2)
    with pytest.raises(BackupFolderError) as caught:
        select_images(tmp_path, ["app:1"])
    assert one.id in str(caught.value)
    assert two.id in str(caught.value)


def test_a_folder_without_a_manifest_is_none(tmp_path: Path) -> None:
    saved = backup(tmp_path, "app:1")
    with pytest.raises(BackupFolderError, match="is not one of the archives"):
        select_images(tmp_path / "other.tar.zst", [])
    (tmp_path / MANIFEST_FILE).unlink()
    for path in (tmp_path, tmp_path / saved.file):
        with pytest.raises(BackupFolderError, match=f"has no {MANIFEST_FILE}"):
            select_images(path, [])
    with pytest.raises(BackupFolderError, match="there is no "):
        select_images(tmp_path / "nowhere", [])


def test_one_damaged_archive_keeps_all_from_being_loaded(engine: SavingEngine, tmp_path: Path) -> None:
    good, bad = backup(tmp_path, "good:1"), backup(tmp_path, "bad:1", number=2)
    (tmp_path / bad.file).write_bytes(b"x")
    with pytest.raises(DamagedBackupError) as caught:
        bring_back(engine, tmp_path)
    assert f"{bad.file}: it has 1 bytes, the manifest says {bad.bytes}" in str(caught.value)
    assert engine.loads == 0
    words = str(caught.value.hint).partition("FOLDER ")[2].rstrip("`").split()
    assert [one.id for one in bring_back(engine, tmp_path, *words)] == [good.id]


@pytest.mark.parametrize("how", ["gone", "a folder", "a pipe"])
def test_what_cannot_be_read_is_damaged(engine: SavingEngine, tmp_path: Path, how: str) -> None:
    path = tmp_path / backup(tmp_path, "app:1").file
    path.unlink()
    if how == "a folder":
        path.mkdir()
    elif how == "a pipe":
        os.mkfifo(path)
    with pytest.raises(DamagedBackupError, match="cannot be read"):
        bring_back(engine, tmp_path)


def test_an_engine_without_room_is_said_before(engine: SavingEngine, tmp_path: Path) -> None:
    backup(tmp_path, "app:1")
    engine.free = 1000
    with pytest.raises(DiskFullError):
        bring_back(engine, tmp_path)
    assert engine.loads == 0


# What was changed since it was written, anywhere.


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes, SavedImage]:
    """Archive, manifest, entry."""
    folder = tmp_path_factory.mktemp("written")
    saved = backup(folder, "app:1", "app:2")
    return (folder / saved.file).read_bytes(), (folder / MANIFEST_FILE).read_bytes(), saved


def mutations(data: bytes) -> st.SearchStrategy[bytes]:
    """Another bytes than ``data``: a byte changed, cut off, left out, put in, doubled, pieces in another order."""
    place = st.integers(0, len(data) - 1)
    return st.one_of(
        st.builds(
            lambda at, bit: data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :], place, st.integers(0, 7)
        ),
        st.builds(lambda at: data[:at], place),
        st.builds(lambda at, more: data[:at] + more + data[at:], place, st.binary(min_size=1, max_size=9)),
        st.builds(lambda one, two: data[: min(one, two)] + data[max(one, two) :], place, place),
        st.builds(lambda at: data[at:] + data[:at], place),
        st.just(data + data),
    ).filter(lambda other: other != data)


@given(st.data())
def test_no_changed_archive_is_accepted(
    tmp_path_factory: pytest.TempPathFactory, written: tuple[bytes, bytes, SavedImage], data: st.DataObject
) -> None:
    archive, manifest, saved = written
    folder, engine = tmp_path_factory.mktemp("changed"), SavingEngine()
    (folder / MANIFEST_FILE).write_bytes(manifest)
    (folder / saved.file).write_bytes(data.draw(mutations(archive)))
    with pytest.raises(DamagedBackupError):
        bring_back(engine, folder)
    assert engine.loads == 0


@given(st.data())
def test_no_changed_manifest_is_accepted(
    tmp_path_factory: pytest.TempPathFactory, written: tuple[bytes, bytes, SavedImage], data: st.DataObject
) -> None:
    archive, manifest, saved = written
    folder, engine = tmp_path_factory.mktemp("changed"), SavingEngine()
    (folder / MANIFEST_FILE).write_bytes(data.draw(mutations(manifest)))
    (folder / saved.file).write_bytes(archive)
    with pytest.raises((DamagedBackupError, BackupFolderError)):
        bring_back(engine, folder)
    assert engine.loads == 0


# A folder that somebody made to harm: all its sums are right.


def identity(config: bytes) -> str:
    return f"sha256:{sha256(config)}"


CONFIG = config_of([LAYER])
GOOD: dict[str, bytes] = {
    blob(LAYER): LAYER,
    blob(CONFIG): CONFIG,
    "manifest.json": json.dumps([{"Config": blob(CONFIG), "Layers": [blob(LAYER)], "RepoTags": None}]).encode(),
}


def regular(files: dict[str, bytes]) -> list[tuple[tarfile.TarInfo, bytes]]:
    return [(info(name, size=len(data)), data) for name, data in files.items()]


def listed(**change: Any) -> bytes:
    entry = {"Config": blob(CONFIG), "Layers": [blob(LAYER)], "RepoTags": None, **change}
    return json.dumps([entry]).encode()


def indexed(digest: str, **notes: str) -> bytes:
    return json.dumps({"manifests": [{"digest": digest, "annotations": notes}]}).encode()


OCI = json.dumps({"config": {"digest": identity(CONFIG)}, "layers": [{"digest": identity(LAYER)}]}).encode()
OTHER_CONFIG = config_of([LAYER], author="somebody")
OTHER_OCI = json.dumps({"config": {"digest": identity(OTHER_CONFIG)}, "layers": [{"digest": identity(LAYER)}]}).encode()
SECOND = tar({"second": b"2"})
EMPTY = tar({}, links={"sh": "/bin/sh"})


def with_layer(layer: bytes) -> tuple[bytes, str, tuple[str, ...]]:
    config = config_of([layer])
    return image(layer), identity(config), (identity(layer),)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param([(info("../../etc/cron.d/x", size=2), b"hi")], id="a path that leads out"),
        pytest.param([(info("/etc/passwd", size=2), b"hi")], id="an absolute path"),
        pytest.param([(info("blobs/../../x", size=2), b"hi")], id="a path that leads out behind a known folder"),
        pytest.param([(info("dev", tarfile.BLKTYPE, devmajor=8), b"")], id="a device"),
        pytest.param([(info("fifo", tarfile.FIFOTYPE), b"")], id="a pipe"),
        pytest.param([(info("manifest.json", tarfile.CHRTYPE), b"")], id="a device with a known name"),
        pytest.param([(info("blobs", tarfile.SYMTYPE, linkname="/"), b"")], id="a folder that is a link"),
        pytest.param([(info("index.json", tarfile.SYMTYPE, linkname="/etc/shadow"), b"")], id="a file that is a link"),
        pytest.param([(info("a" * 64 + "/layer.tar", tarfile.SYMTYPE, linkname="../../x"), b"")], id="a link out"),
        pytest.param([(info("oci-layout", tarfile.LNKTYPE, linkname="/etc/shadow"), b"")], id="a hard link"),
        pytest.param([(info("run.sh", size=2), b"hi")], id="a file that no image has"),
        pytest.param([(info("blobs/sha256/short", size=2), b"hi")], id="a blob without a digest"),
        pytest.param(regular({"manifest.json": GOOD["manifest.json"]}), id="a document twice"),
        pytest.param(regular({blob(LAYER): LAYER}), id="a layer twice"),
        pytest.param(regular({blob(SECOND): SECOND}), id="a layer that is not one of the image's"),
        pytest.param(regular({blob(EMPTY): EMPTY}), id="a layer without bytes that is not one of the image's"),
        pytest.param(regular({blob(b"x"): SECOND}), id="a layer under another digest"),
        pytest.param(regular({"repositories": b'{"app": {"latest": "1"}}'}), id="names for old engines"),
        pytest.param(
            regular({"index.json": indexed(identity(OCI), **{"io.containerd.image.name": "a:1"}), blob(OCI): OCI}),
            id="names for containerd",
        ),
        pytest.param(
            regular({"index.json": indexed(identity(OTHER_OCI)), blob(OTHER_OCI): OTHER_OCI,
                     blob(OTHER_CONFIG): OTHER_CONFIG}),
            id="another image for containerd",
        ),
        pytest.param(regular({"index.json": b"[[[["}), id="a broken index"),
        pytest.param(regular({"index.json": b'{"manifests": 3}'}), id="an index that is none"),
        pytest.param(regular({"index.json": indexed("../../x")}), id="an index that names a path"),
    ],
)  # fmt: skip
def test_a_hostile_archive_is_refused(
    engine: SavingEngine, tmp_path: Path, more: list[tuple[tarfile.TarInfo, bytes]]
) -> None:
    forged(tmp_path, tar_of([*more, *regular(GOOD)]), identity(CONFIG), ("app:1",))
    with pytest.raises(DamagedBackupError):
        bring_back(engine, tmp_path)
    forged(tmp_path, tar_of([*regular(GOOD), *more]), identity(CONFIG), ("app:1",))
    with pytest.raises(DamagedBackupError):
        bring_back(engine, tmp_path)
    assert (engine.loads, engine.names) == (0, {})


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({**GOOD, "manifest.json": listed(RepoTags=["postgres:13"])}, id="with a name"),
        pytest.param({**GOOD, "manifest.json": listed(Layers=[])}, id="without its layers"),
        pytest.param({**GOOD, "manifest.json": listed(Layers=["../../etc/passwd"])}, id="with a path for a layer"),
        pytest.param({**GOOD, "manifest.json": listed(Config="../../etc/passwd")}, id="with a path for the rest"),
        pytest.param({**GOOD, "manifest.json": b"[]"}, id="of no image"),
        pytest.param({**GOOD, "manifest.json": b"[" * 50_000}, id="nested"),
        pytest.param({**GOOD, "manifest.json": listed()[:-1] + b"," + listed()[1:]}, id="of two images"),
        pytest.param({**GOOD, blob(CONFIG): CONFIG + b" "}, id="with another configuration"),
        pytest.param({**GOOD, blob(LAYER): LAYER + bytes(512)}, id="with another layer"),
        pytest.param({name: data for name, data in GOOD.items() if data != LAYER}, id="that lacks a layer"),
        pytest.param({name: data for name, data in GOOD.items() if data != CONFIG}, id="that lacks the configuration"),
    ],
)
def test_an_archive_of_something_else_is_refused(engine: SavingEngine, tmp_path: Path, files: dict[str, bytes]) -> None:
    forged(tmp_path, tar_of(regular(files)), identity(CONFIG), ("app:1",))
    with pytest.raises(DamagedBackupError):
        bring_back(engine, tmp_path)
    assert engine.loads == 0


def test_the_forger_can_make_a_good_one_too(engine: SavingEngine, tmp_path: Path) -> None:
    """Else the tests above would find nothing."""
    known = {"index.json": indexed(identity(OCI)), blob(OCI): OCI, "oci-layout": b"{}"}
    saved = forged(tmp_path, tar_of(regular({**GOOD, **known})), identity(CONFIG), ("app:1",))
    assert bring_back(engine, tmp_path)[0].id == saved.id


@pytest.mark.parametrize(
    "facts",
    [
        {"layers": (identity(SECOND),)},
        {"layers": (identity(LAYER), identity(SECOND))},
        {"layers": ()},
        {"unpacked": 3847},
        {"unpacked": 3849},
        {"tar_bytes": 512},
        {"tar_sha256": "0" * 64},
        {"sha256": "0" * 64},
        {"config": f"sha256:{'0' * 64}"},
        {"id": f"sha256:{'0' * 64}"},
    ],
    ids=str,
)
def test_a_manifest_that_does_not_fit_is_refused(engine: SavingEngine, tmp_path: Path, facts: dict[str, Any]) -> None:
    forged(tmp_path, tar_of(regular(GOOD)), identity(CONFIG), ("app:1",), **facts)
    with pytest.raises(DamagedBackupError):
        bring_back(engine, tmp_path)
    assert engine.loads == 0


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param([(info("../../etc/cron.d/x", size=2), b"hi")], id="a path that leads out"),
        pytest.param([(info("usr/../../x", size=2), b"hi")], id="a path that leads out later"),
        pytest.param([(info("/../x", size=2), b"hi")], id="an absolute path that leads out"),
        pytest.param([(info("x", tarfile.LNKTYPE, linkname="../../etc/shadow"), b"")], id="a hard link out"),
    ],
)
def test_a_layer_that_leads_out_of_the_image_is_refused(
    engine: SavingEngine, tmp_path: Path, entries: list[tuple[tarfile.TarInfo, bytes]]
) -> None:
    archive, name, layers = with_layer(tar_of(entries))
    forged(tmp_path, archive, name, layers=layers, unpacked=sum(len(data) for _, data in entries))
    with pytest.raises(DamagedBackupError, match="outside of the image"):
        bring_back(engine, tmp_path)
    assert engine.loads == 0


def test_devices_links_and_absolute_names_of_a_real_layer_are_none_of_our_business(
    engine: SavingEngine, tmp_path: Path
) -> None:
    entries = [
        (info("dev/null", tarfile.CHRTYPE, devmajor=1, devminor=3), b""),
        (info("etc/mtab", tarfile.SYMTYPE, linkname="../proc/self/mounts"), b""),
        (info("lib", tarfile.SYMTYPE, linkname="/usr/lib"), b""),
        (info("/opt/absolute", size=2), b"hi"),
        (info("opt/twice", size=2), b"hi"),
        (info("opt/twice", size=2), b"hi"),
        (info("opt/\udcff\udcfe", size=2), b"hi"),
    ]
    archive, name, layers = with_layer(tar_of(entries))
    forged(tmp_path, archive, name, layers=layers, unpacked=8)
    assert bring_back(engine, tmp_path)[0].id == name


def test_a_file_of_a_size_that_nobody_has_is_refused(engine: SavingEngine, tmp_path: Path) -> None:
    """A sparse file takes a few bytes in an archive, and an engine would write all its zeros."""
    sparse = tarfile.TarInfo("x")
    sparse.pax_headers = {
        "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "huge",
        "GNU.sparse.realsize": str(1 << 45),
    }  # fmt: skip
    sparse.size = 512
    layer = tar_of([(sparse, b"1\n0\n0\n".ljust(512, b"\0"))])
    archive, name, layers = with_layer(layer)
    forged(tmp_path, archive, name, layers=layers, unpacked=100)
    with pytest.raises(DamagedBackupError, match="more than the expected 100 bytes"):
        bring_back(engine, tmp_path)


def compress_zeros(size: int) -> bytes:
    """``size`` zeros, a multiple of 128 KiB, as one Zstandard frame of blocks that repeat a byte (RFC 8878, 3.1.1)."""
    block, repeat, last = 1 << 17, 1 << 1, 1
    header = b"\x28\xb5\x2f\xfd" + bytes([0x00, 10 << 3])  # a window of 1 MiB, no sizes, no checksum
    count = size // block
    blocks = [(block << 3 | repeat).to_bytes(3, "little") + b"\0"] * (count - 1)
    return header + b"".join(blocks) + (block << 3 | repeat | last).to_bytes(3, "little") + b"\0"


def test_what_compresses_zeros_makes_a_real_frame() -> None:
    assert zstandard.ZstdDecompressor().decompressobj().decompress(compress_zeros(1 << 20)) == bytes(1 << 20)


def test_a_bomb_is_not_decompressed_to_its_end(engine: SavingEngine, tmp_path: Path) -> None:
    saved = forged(tmp_path, tar_of(regular(GOOD)), identity(CONFIG), ("app:1",))
    bomb = compress_zeros(4 << 30)
    folder = tmp_path / "bomb"
    forged(folder, tar_of(regular(GOOD)), identity(CONFIG), bytes=len(bomb), sha256=sha256(bomb))
    (folder / saved.file).write_bytes(bomb)
    with pytest.raises(DamagedBackupError, match="decompresses to more than the expected"):
        bring_back(engine, folder)


def test_a_file_that_asks_for_all_memory_is_refused(engine: SavingEngine, tmp_path: Path) -> None:
    saved = forged(tmp_path, tar_of(regular(GOOD)), identity(CONFIG))
    greedy = b"\x28\xb5\x2f\xfd" + bytes([0x00, 0xA8]) + bytes(100)  # a window of 2 GB
    forged(tmp_path, tar_of(regular(GOOD)), identity(CONFIG), bytes=len(greedy), sha256=sha256(greedy))
    (tmp_path / saved.file).write_bytes(greedy)
    with pytest.raises(DamagedBackupError, match="cannot be decompressed"):
        bring_back(engine, tmp_path)


def test_a_file_that_changes_after_the_check_is_not_loaded(engine: SavingEngine, tmp_path: Path) -> None:
    """The engine never gets the end of it."""
    saved = backup(tmp_path, "app:1")
    chosen = select_images(tmp_path, [])
    checked = check_archives(chosen, QUIET)
    other = forged(tmp_path / "other", tar_of(regular(GOOD)), identity(CONFIG))
    (tmp_path / saved.file).write_bytes((tmp_path / "other" / other.file).read_bytes())
    with pytest.raises(BadImageArchiveError, match="was changed while it was loaded"):
        restore_images(engine, chosen, checked, QUIET)
    assert engine.archives == {}


def test_an_engine_that_makes_another_image_of_it_is_noticed(tmp_path: Path) -> None:
    class Odd(SavingEngine):
        def load(self, chunks: Iterable[bytes]) -> None:
            super().load(chunks)
            self.archives = {"sha256:other": next(iter(self.archives.values()))}

    backup(tmp_path, "app:1")
    odd = Odd()
    with pytest.raises(EngineFailedError, match="has no image"):
        bring_back(odd, tmp_path)
    assert odd.names == {}


def test_an_engine_that_names_images_in_another_way_is_told(tmp_path: Path) -> None:
    """From an engine with images in its own folder to one that keeps them in containerd."""

    class Containerd(SavingEngine):
        def take(self, archive: bytes, names: Any = ()) -> str:
            super().take(archive, names)
            self.archives = {identity(OCI): archive}
            return identity(OCI)

    known = {"index.json": indexed(identity(OCI)), blob(OCI): OCI, "oci-layout": b"{}"}
    saved = forged(tmp_path, tar_of(regular({**GOOD, **known})), identity(CONFIG), ("app:1",))
    other = Containerd()
    (done,) = bring_back(other, tmp_path)
    assert (done.image, done.id) == (saved, identity(OCI))
    assert other.names == {"app:1": identity(OCI)}
    (again,) = bring_back(other, tmp_path)
    assert (again.loaded, again.named) == (False, ())


def test_checking_asks_no_engine(tmp_path: Path) -> None:
    good, bad = backup(tmp_path, "good:1"), backup(tmp_path, "bad:1", number=2)
    data = (tmp_path / bad.file).read_bytes()
    (tmp_path / bad.file).write_bytes(data[:-5] + b"x" + data[-4:])
    notes = Notes()
    one, two = check_archives(select_images(tmp_path, []), notes)
    assert (one.image, one.why) == (good, "")
    assert one.contents is not None
    assert (two.image, two.contents) == (bad, None)
    assert two.why


def test_a_folder_of_nothing_says_so(tmp_path: Path) -> None:
    engine = SavingEngine()
    save_images(engine, [], tmp_path, QUIET)
    assert read_manifest(tmp_path) is None
    with pytest.raises(OptbuildError):
        select_images(tmp_path, [])
