"""One layer → entries and texts."""

from __future__ import annotations

import hashlib
import tarfile

import pytest
from archive_files import broken, chunks, info, sha256, tar, tar_of
from elf_files import SECTIONS, SYMBOLS, make_elf

from builder.core.errors import BadImageArchiveError
from builder.engine.archive import ImageArchive
from builder.inspect import layer as layer_module
from builder.inspect.layer import read_layer
from builder.inspect.model import EntryKind, FileKind, LayerContent, LayerEntry


def content(layer: bytes) -> LayerContent:
    archive = ImageArchive(chunks(broken(layer, f"sha256:{sha256(layer)}")))
    [found] = [read_layer(one) for one in archive.iterate_layers()]
    archive.check_images()
    return found


def entries(*members: tuple[tarfile.TarInfo, bytes]) -> dict[str, LayerEntry]:
    return {entry.path: entry for entry in content(tar_of(members)).entries}


def test_a_layer_is_known_by_its_digest_and_its_files_by_theirs() -> None:
    layer = tar({"bin/tool": b"x" * 3000, "empty": b""}, mode=0o4755)
    found = content(layer)
    assert (found.diff, found.tar_bytes, found.bytes) == (f"sha256:{sha256(layer)}", len(layer), 3000)
    assert found.entries == (
        LayerEntry("/bin/tool", EntryKind.FILE, 3000, 0o4755, digest=sha256(b"x" * 3000)),
        LayerEntry("/empty", EntryKind.FILE, 0, 0o4755),
    )


def test_every_kind_of_entry_is_told_apart() -> None:
    found = entries(
        (info("dir/", tarfile.DIRTYPE, mode=0o750, uid=50000, gid=7), b""),
        (info("dir/link", tarfile.SYMTYPE, linkname="../there\x1b"), b""),
        (info("dir/hard", tarfile.LNKTYPE, linkname="./dir/file"), b""),
        (info("dev/null", tarfile.CHRTYPE, devmajor=1, devminor=3), b""),
        (info("pipe", tarfile.FIFOTYPE), b""),
    )
    assert found["/dir"] == LayerEntry("/dir", EntryKind.FOLDER, 0, 0o750, 50000, 7)
    assert found["/dir/link"].kind is EntryKind.SYMLINK
    assert found["/dir/link"].link == "../there\\x1b"
    assert (found["/dir/hard"].kind, found["/dir/hard"].link) == (EntryKind.HARDLINK, "/dir/file")
    assert {found["/dev/null"].kind, found["/pipe"].kind} == {EntryKind.OTHER}


@pytest.mark.parametrize(
    ("name", "path", "kind"),
    [
        ("etc/.wh.passwd", "/etc/passwd", EntryKind.WHITEOUT),
        (".wh.top", "/top", EntryKind.WHITEOUT),
        ("etc/.wh..wh..opq", "/etc", EntryKind.OPAQUE),
        (".wh..wh..opq", "/", EntryKind.OPAQUE),
        (".wh..wh.plnk", "/.wh..wh.plnk", EntryKind.OTHER),
        ("etc/.wh.", "/etc/.wh.", EntryKind.OTHER),
        ("etc/.wh..", "/etc/.wh..", EntryKind.OTHER),
        ("etc/.wh...", "/etc/.wh...", EntryKind.OTHER),
        ("etc/.wh....", "/etc/...", EntryKind.WHITEOUT),
        ("etc/a.wh.b", "/etc/a.wh.b", EntryKind.FILE),
    ],
)
def test_whiteouts_name_what_they_hide_and_never_a_folder_above(name: str, path: str, kind: EntryKind) -> None:
    [found] = content(tar({name: b""})).entries
    assert (found.path, found.kind, found.size) == (path, kind, 0)


def test_of_a_path_that_comes_twice_both_are_told() -> None:
    found = content(tar_of([(info("a", size=1), b"1"), (info("./a", size=2), b"22")]))
    assert [entry.size for entry in found.entries] == [1, 2]
    assert found.bytes == 2


SITE = "usr/lib/python3/dist-packages"


def test_the_texts_are_kept_that_say_whose_the_files_are() -> None:
    kept = {
        f"{SITE}/a-1.dist-info/RECORD": b"a.py,,\n",
        f"{SITE}/a-1.dist-info/INSTALLER": b"pip\n",
        f"{SITE}/a-1.dist-info/REQUESTED": b"",
        f"{SITE}/a-1.dist-info/direct_url.json": b"{}",
        f"{SITE}/b.egg-info/installed-files.txt": b"x\n",
        "var/lib/dpkg/status": b"Package: a\n\nPackage: b\n",
        "var/lib/dpkg/status.d/base": b"Package: c\n",
        "var/lib/dpkg/info/libc6:amd64.list": b"/.\n",
        "var/lib/dpkg/info/libc6:amd64.md5sums": b"",
        "opt/venv/pyvenv.cfg": b"home = /usr/bin\n",
        "var/lib/apt/extended_states": b"",
        "etc/os-release": b"ID=debian\n",
    }
    others = dict.fromkeys(
        ["var/lib/dpkg/info/a.postinst", "var/lib/dpkg/status-old", f"{SITE}/a/RECORD", "x/var/lib/dpkg/status"], b"x"
    )
    found = content(tar({**kept, **others}))
    assert found.texts == {f"/{path}": data for path, data in kept.items()}
    record = next(entry for entry in found.entries if entry.path.endswith("RECORD"))
    assert record.digest == sha256(b"a.py,,\n")


def test_of_metadata_only_the_headers_are_kept() -> None:
    data = b"Name: a\nVersion: 1\n\nA long description\n"
    found = content(tar({f"{SITE}/a-1.dist-info/METADATA": data, f"{SITE}/b.egg-info": data.replace(b"\n", b"\r\n")}))
    assert [text.splitlines() for text in found.texts.values()] == [[b"Name: a", b"Version: 1"]] * 2
    assert found.entries[0].size == len(data)
    assert found.entries[0].digest == sha256(data)


def test_a_further_name_of_a_kept_text_has_it_too_whichever_comes_first() -> None:
    text, name = f"{SITE}/a-1.dist-info/METADATA", "cache/a-1.dist-info/METADATA"
    found = content(tar_of([(info(text, tarfile.LNKTYPE, linkname=name), b""), (info(name, size=8), b"Name: a\n")]))
    assert found.texts == {f"/{text}": b"Name: a\n", f"/{name}": b"Name: a\n"}


def test_links_between_texts_that_go_in_a_circle_are_no_text() -> None:
    one, two = (f"{name}.dist-info/RECORD" for name in "ab")
    links = [(info(name, tarfile.LNKTYPE, linkname=target), b"") for name, target in ((one, two), (two, one))]
    assert content(tar_of(links)).texts == {}


def test_a_layer_that_fills_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_module, "MAX_ENTRY_BYTES", 2000)
    with pytest.raises(BadImageArchiveError, match="more than 6 entries"):
        content(tar({f"file{number}": b"" for number in range(20)}))


def test_texts_that_fill_the_memory_are_refused_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_module, "MAX_TEXT_BYTES", 2000)
    forged = tar_of([(info("a.dist-info/RECORD", size=1 << 40), b"x")])
    with pytest.raises(BadImageArchiveError, match=r"more than 2000 bytes of files like /a\.dist-info/RECORD"):
        content(forged)


# --- what files are by their bytes

KEY = b"-----BEGIN " + b"PRIVATE KEY-----\n" + b"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw\n" * 40


@pytest.mark.parametrize("piece", [1, 100, 1 << 20])
def test_a_secret_is_known_by_its_digest_however_its_bytes_come(piece: int) -> None:
    layer = tar(
        {
            "app/x": KEY,
            "app/y": b"nothing",
            f"{SITE}/a/z.pem": KEY + b"\n",
            f"{SITE}/a/b.py": b"AKIA" + b"IOSFODNN7ABCDEFG",
            f"{SITE}/a/__pycache__/vectors.cpython-311.pyc": KEY + b"of a source that a package's list names",
        }
    )
    archive = ImageArchive(chunks(broken(layer, f"sha256:{sha256(layer)}"), piece))
    [found] = [read_layer(one) for one in archive.iterate_layers()]
    assert set(found.recognized) == {sha256(KEY), sha256(KEY + b"\n")}
    one = found.recognized[sha256(KEY)]
    assert one == (FileKind.SECRET, "a private key", hashlib.md5(KEY, usedforsecurity=False).hexdigest())


def test_what_is_too_large_for_settings_is_not_searched() -> None:
    largest = KEY.ljust(1 << 20, b"\n")
    assert len(content(tar({"a": largest})).recognized) == 1
    assert content(tar({"a": largest + b"\n"})).recognized == {}


@pytest.mark.parametrize("size", [200, 2 << 20])
def test_core_dumps_and_databases_are_known_by_how_they_begin(size: int) -> None:
    core, library = make_elf([], kind=4).ljust(size, b"x"), make_elf([]).ljust(size, b"x")
    sqlite, redis = b"SQLite format 3\0".ljust(size, b"x"), b"REDIS0011".ljust(size, b"x")
    found = content(
        tar({"core.12": core, "a.so": library, "a.db": sqlite, "dump.rdb": redis, "b.db": b"SQLite format 3"})
    )
    assert {digest: one.kind for digest, one in found.recognized.items()} == {
        sha256(core): FileKind.CORE_DUMP,
        sha256(sqlite): FileKind.DATABASE,
        sha256(redis): FileKind.DATABASE,
    }


# --- symbols


def test_a_layer_tells_the_symbols_of_a_large_library() -> None:
    data = make_elf(SECTIONS, bulk=3_000_000)
    assert [entry.symbols for entry in content(tar({"lib.so": data, "text": b"\x7fELF"})).entries] == [SYMBOLS, 0]
