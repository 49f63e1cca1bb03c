"""What of a changed image is kept: by ctime, with its modes, without what differs from run to run."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from build_scripts import load_build_script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

EPOCH = 1_700_000_000


@pytest.fixture
def change() -> Iterator[ModuleType]:
    with load_build_script("change", "foundation") as module:
        yield module


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small image: merged /usr, a log, a cache, a backup."""
    root = tmp_path / "root"
    for path, text in {
        "etc/passwd": "root:x:0:0",
        "etc/passwd-": "older",
        "usr/lib/old.so": "old",
        "var/log/dpkg.log": "log",
        "var/lib/dpkg/status": "one",
        "var/lib/dpkg/status-old": "before",
    }.items():
        write(root, path, text)
    (root / "tmp").mkdir()
    (root / "lib").symlink_to("usr/lib")
    return root


def write(root: Path, path: str, text: str, mode: int = 0o644) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)
    (root / path).chmod(mode)


def install(root: Path) -> None:
    """What dpkg and a package's scripts do."""
    write(root, "lib/new.so", "new")
    (root / "usr/lib/new.so.1").symlink_to("new.so")
    write(root, "usr/bin/tool", "tool", 0o4755)
    os.link(root / "usr/bin/tool", root / "usr/bin/same")
    (root / "usr/share/empty").mkdir(parents=True)
    (root / "usr/share/empty").chmod(0o750)
    write(root, "etc/passwd", "root:x:0:0\nredis")
    write(root, "etc/passwd-", "root:x:0:0")
    write(root, "var/lib/dpkg/status", "two")
    write(root, "var/lib/dpkg/status-old", "one")
    write(root, "var/log/dpkg.log", "log, and more")
    write(root, "var/log/redis/redis.log", "started")
    write(root, "var/cache/debconf/config.dat", "answers")
    write(root, "tmp/left/over", "x")


KEPT = {
    *("/etc", "/etc/passwd", "/usr", "/usr/bin", "/usr/bin/same", "/usr/bin/tool", "/usr/lib", "/usr/lib/new.so"),
    *("/usr/lib/new.so.1", "/usr/share", "/usr/share/empty", "/var", "/var/cache", "/var/cache/debconf", "/var/lib"),
    *("/var/lib/dpkg", "/var/lib/dpkg/status", "/var/log", "/var/log/redis"),
}


def list_below(folder: Path) -> dict[str, os.stat_result]:
    return {f"/{path.relative_to(folder)}": path.lstat() for path in sorted(folder.rglob("*"))}


def test_what_changed_is_collected_with_its_mode_and_one_time(change: ModuleType, root: Path, tmp_path: Path) -> None:
    begun = change.start(root, frozenset())
    install(root)
    change.collect(begun, tmp_path / "out", EPOCH)
    found = list_below(tmp_path / "out")
    assert found.keys() == KEPT
    assert {status.st_mtime for status in found.values()} == {EPOCH}
    assert stat.S_IMODE(found["/usr/share/empty"].st_mode) == 0o750
    assert stat.S_IMODE(found["/usr/bin/tool"].st_mode) == 0o755, "no file lets a process gain rights"
    assert found["/usr/bin/tool"].st_ino == found["/usr/bin/same"].st_ino
    assert (tmp_path / "out/usr/lib/new.so.1").readlink() == Path("new.so")
    assert (tmp_path / "out/etc/passwd").read_text().endswith("redis")


def test_a_folder_of_the_image_is_kept_only_where_its_mode_changed(
    change: ModuleType, root: Path, tmp_path: Path
) -> None:
    (root / "usr/lib").chmod(0o755)  # whatever the umask is
    begun = change.start(root, frozenset())
    (root / "usr/lib").chmod(0o775)
    write(root, "var/gone", "x")
    (root / "var/gone").unlink()
    change.collect(begun, tmp_path / "out", EPOCH)
    assert list_below(tmp_path / "out").keys() == {"/usr", "/usr/lib"}


def test_nothing_that_was_there_is_deleted_where_it_stays_in_place(change: ModuleType, root: Path) -> None:
    before = list_below(root).keys()
    begun = change.start(root, frozenset())
    install(root)
    change.stay(begun, EPOCH)
    found = list_below(root)
    assert before - found.keys() == set()
    assert found.keys() - before - KEPT == set()
    emptied = ("/etc/passwd-", "/var/lib/dpkg/status-old", "/var/log/dpkg.log")
    assert [found[path].st_size for path in emptied] == [0, 0, 0]
    assert stat.S_IMODE(found["/usr/bin/tool"].st_mode) == 0o755


def test_what_an_upgrade_deletes_of_the_documents_leaves_no_whiteout(change: ModuleType, root: Path) -> None:
    for path in ("usr/share/doc/libc6/copyright", "usr/share/man/man1/getconf.1.gz", "usr/lib/gone.so"):
        write(root, path, "text")
    (root / "usr/share/doc/libc6").chmod(0o750)
    begun = change.start(root, frozenset())
    shutil.rmtree(root / "usr/share/doc/libc6")
    (root / "usr/share/man/man1/getconf.1.gz").unlink()
    (root / "usr/lib/gone.so").unlink()
    change.stay(begun, EPOCH)
    found = list_below(root / "usr/share")
    assert {"/doc/libc6", "/man/man1/getconf.1.gz"} <= found.keys()
    assert "/doc/libc6/copyright" not in found, "its folder hides it"
    assert stat.S_IMODE(found["/doc/libc6"].st_mode) == 0o750
    assert (found["/man/man1/getconf.1.gz"].st_size, found["/man/man1/getconf.1.gz"].st_mtime) == (0, EPOCH)
    assert not (root / "usr/lib/gone.so").exists(), "an empty library would be found"


def test_what_stays_in_place_is_stamped_and_nothing_else(change: ModuleType, root: Path) -> None:
    begun = change.start(root, frozenset())
    untouched = (root / "usr/lib/old.so").lstat()
    install(root)
    change.stay(begun, EPOCH)
    assert (root / "usr/lib/old.so").lstat().st_ctime_ns == untouched.st_ctime_ns
    others = {path for path, status in list_below(root).items() if status.st_mtime != EPOCH}
    assert others == {"/lib", "/usr/lib/old.so", "/etc", "/var/lib", "/var/lib/dpkg"}, "written in place, no new names"


def test_files_of_a_folder_may_have_a_time_of_their_own(change: ModuleType, root: Path) -> None:
    """As the layer of the packages has in an image of several stages: its folders are shared with others."""
    write(root, "home/app/kept", "x")
    begun = change.start(root, frozenset())
    for path in ("home/app/bin/tool", "home/app/kept", "home/apple", "home/app/pyvenv.cfg", "home/app/bin/python3"):
        write(root, path, "new")
    (root / "home/app/bin/link").symlink_to("tool")
    (root / "home/app/linked").symlink_to("bin")
    change.stay(begun, EPOCH, ("/home/app", 1_600_000_000))
    times = {path: status.st_mtime for path, status in list_below(root / "home").items()}
    own = {path for path, time in times.items() if time == 1_600_000_000}
    assert own == {"/app/bin/tool", "/app/bin/link", "/app/linked", "/app/kept"}
    rest = ("/app", "/app/bin", "/apple", "/app/pyvenv.cfg", "/app/bin/python3")
    assert {times[path] for path in rest} == {EPOCH}


def test_a_folder_in_which_something_is_mounted_is_stamped(change: ModuleType, root: Path) -> None:
    write(root, "opt/inner/mounted", "")
    begun = change.start(root, frozenset({"/opt/inner/mounted"}))
    change.stay(begun, EPOCH)
    assert (root / "opt/inner").lstat().st_mtime == EPOCH
    assert (root / "opt/inner/mounted").lstat().st_mtime != EPOCH


def test_what_is_mounted_is_no_part_of_it(change: ModuleType, root: Path, tmp_path: Path) -> None:
    mountinfo = (
        "1 0 0:1 / / rw - overlay overlay rw\n2 1 0:2 / /proc rw - proc proc rw\n3 1 0:3 / /a\\040b ro - x x x\n"
    )
    assert change.read_mounts(mountinfo) == {"/proc", "/a b"}
    begun = change.start(root, frozenset({"/mnt"}))
    write(root, "mnt/file", "x")
    change.collect(begun, tmp_path / "out", EPOCH)
    assert list_below(tmp_path / "out") == {}


def test_bytecode_of_packages_goes_and_that_of_the_image_stays(change: ModuleType, root: Path) -> None:
    write(root, "usr/lib/__pycache__/old.cpython-311.pyc", "x")
    begun = change.start(root, frozenset())
    write(root, "usr/lib/__pycache__/new.cpython-311.pyc", "x")
    write(root, "usr/lib/yaml/__pycache__/new.cpython-311.pyc", "x")
    write(root, "usr/lib/yaml/new.py", "x")
    change.remove_new_bytecode(begun)
    left = sorted(path.name for path in (root / "usr/lib").rglob("*"))
    assert left == ["__pycache__", "new.py", "old.cpython-311.pyc", "old.so", "yaml"]


def test_a_command_of_its_own_follows_the_packages(change: ModuleType) -> None:
    arguments = change.parse_arguments(["collect", "/out", "7", "--debs", "/a", "--debs", "/b", "--", "sh", "--x"])
    assert (arguments.way, arguments.out, arguments.epoch) == ("collect", Path("/out"), 7)
    assert (arguments.debs, arguments.command) == ([Path("/a"), Path("/b")], ["sh", "--x"])
    assert change.parse_arguments(["stay", "7", "--stamp", "/home", "8", "--", "sh"]).stamp == ["/home", "8"]
