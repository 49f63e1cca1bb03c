"""Changes an image that somebody else made, inside a build: installs .debs without network, runs what else is to change
it, and then keeps what belongs into a layer.

    change.py collect OUT EPOCH [--debs FOLDER]... [-- COMMAND...]    what changed, below OUT, for a COPY to /
    change.py stay EPOCH [--debs FOLDER]... [--stamp FOLDER TIME] [-- COMMAND...]
                                                                      it stays where it is: this RUN makes the layer
    change.py install [--debs FOLDER]...                              nothing is kept or stamped: the builder stage

Runs as root, with ``python -B``: bytecode that the interpreter writes would be a change too. Standard library only.

What changed is known by ctime, which no program can set. Both ways leave logs, caches, dpkg's and the users' backups
out: what is new of them is deleted, what the image has below is emptied and not deleted (``stay``), because a whiteout
carries the wall clock, or not collected (``collect``). What is kept has the time stamp EPOCH, but what is not a folder
below the one of ``--stamp`` that one's TIME, as where it is a layer by itself; and no file of it lets a process gain
rights. What an upgraded package no longer has stays in the image below: no COPY takes a file away.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dpkg import UNWANTED, install_quietly
from pruning import prune, read_rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Before = dict[str, "tuple[int, int, int] | None"]
"""Path → mode, owner and group of a folder; None for anything else."""

LEFT_OUT = re.compile(
    r"/(?:var/(?:log|cache|tmp|lib/apt|lib/systemd|lib/dpkg/updates)|tmp|run)/.*"
    r"|/var/lib/dpkg/(?:[^/]*-old|lock|lock-frontend|triggers/Lock)"
    r"|/etc/(?:[^/]*-|\.pwd\.lock|machine-id|hostname|hosts|resolv\.conf)"
    r"|/\.dockerenv"
)
"""Differs from run to run, or nobody reads it in a container, or the engine writes it."""
EMPTIED_FOLDERS = re.compile(r"/(?:var/tmp|tmp|run)/.*")
"""Their new folders go too; elsewhere a program may need the folder of its log or its cache."""
BYTECODE = re.compile(r".*/__pycache__/[^/]*\.pyc")
"""Of Debian's packages: it depends on the run that made it."""
IN_UNWANTED = re.compile(rf"/usr/share/(?:{'|'.join(UNWANTED)})/.*")
SKELETON = re.compile(r"pyvenv\.cfg|lib64|bin/python[0-9.]*")
"""What a virtual environment has before anything is installed; in several stages no layer of packages has it."""
TICK_SECONDS = 0.02
"""More than the kernel's clock for time stamps needs for its next value: 10 ms at most."""


@dataclass(frozen=True)
class Start:
    """What there was before anything changed: later is what has a greater ctime than ``mark`` (nanoseconds)."""

    root: Path
    skipped: frozenset[str]
    """Not part of it: what is mounted, and where the result goes."""
    before: Before
    mark: int


def read_mounts(mountinfo: str) -> frozenset[str]:
    """Paths of what is mounted below /, files too; ``mountinfo`` as in proc(5)."""
    points = (line.split(" ")[4] for line in mountinfo.splitlines())
    return frozenset(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), point) for point in points) - {"/"}


def walk(root: Path, skipped: frozenset[str]) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Everything below ``root`` but what is ``skipped``, each with its path as seen from there; a folder first."""
    prefix = str(root).rstrip("/")
    folders = [prefix]
    while folders:
        with os.scandir(folders.pop() or "/") as entries:
            for entry in entries:
                path = entry.path.removeprefix(prefix)
                if path in skipped:
                    continue
                yield path, entry
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)


def list_paths(root: Path, skipped: frozenset[str]) -> Before:
    found: Before = {}
    for path, entry in walk(root, skipped):
        found[path] = None
        if entry.is_dir(follow_symlinks=False):
            status = entry.stat(follow_symlinks=False)
            found[path] = (status.st_mode, status.st_uid, status.st_gid)
    return found


def mark_time(root: Path) -> int:
    """Nanoseconds: every later change has a greater ctime, every earlier one this or a smaller one."""
    with tempfile.NamedTemporaryFile(dir=root) as file:
        mark = Path(file.name).stat().st_ctime_ns
    time.sleep(TICK_SECONDS)
    return mark


def start(root: Path, skipped: frozenset[str]) -> Start:
    return Start(root, skipped, list_paths(root, skipped), mark_time(root))


def find_changed(start: Start) -> dict[str, os.stat_result]:
    """Path → its status; sorted, so a folder comes before what it holds."""
    found = {path: entry.stat(follow_symlinks=False) for path, entry in walk(start.root, start.skipped)}
    return {path: found[path] for path in sorted(found) if found[path].st_ctime_ns > start.mark}


def remove_new_bytecode(start: Start) -> None:
    everything = [path for path, _ in walk(start.root, start.skipped)]
    for path in everything:
        if path in start.before or not BYTECODE.fullmatch(path):
            continue
        file = below(start.root, path)
        file.unlink()
        if path.rpartition("/")[0] not in start.before and not any(file.parent.iterdir()):
            file.parent.rmdir()


def drop_left_out(start: Start, changed: dict[str, os.stat_result]) -> None:
    """Delete what is new of it, empty what was there."""
    root, before = start.root, start.before
    for path in sorted(changed, reverse=True):
        if not LEFT_OUT.fullmatch(path):
            continue
        here, is_folder = below(root, path), stat.S_ISDIR(changed[path].st_mode)
        if path not in before and not is_folder:
            here.unlink()
        elif path not in before and EMPTIED_FOLDERS.fullmatch(path) and not any(here.iterdir()):
            here.rmdir()
        elif stat.S_ISREG(changed[path].st_mode) and changed[path].st_size:
            os.truncate(here, 0)


def hold_places(start: Start) -> None:
    """Put something empty where dpkg deleted what the image has and a new version may not bring (``UNWANTED``): a
    deletion is in the layer as a whiteout, with the time of the build."""
    found = {path for path, _ in walk(start.root, start.skipped)}
    gone = sorted(path for path in start.before.keys() - found if IN_UNWANTED.fullmatch(path))
    for path in gone:
        attributes, here = start.before[path], below(start.root, path)
        if attributes is not None:
            here.mkdir()
            os.chown(here, *attributes[1:])
            here.chmod(stat.S_IMODE(attributes[0]))
        elif path.rpartition("/")[0] not in gone:  # a folder made anew hides what the image has in it
            here.touch(0o644)


def take_rights(root: Path, changed: dict[str, os.stat_result]) -> None:
    for path, status in changed.items():
        if stat.S_ISREG(status.st_mode) and status.st_mode & (stat.S_ISUID | stat.S_ISGID):
            below(root, path).chmod(stat.S_IMODE(status.st_mode) & ~(stat.S_ISUID | stat.S_ISGID))


def stamp(paths: Iterable[Path], epoch: int) -> None:
    for path in paths:
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def stay(start: Start, epoch: int, stamped: tuple[str, int] | None = None) -> None:
    """Leave in place what is the same in every run. A folder in which something was mounted counts as changed: the
    engine makes a place for it there. ``stamped``: a folder, and the time of all files below it."""
    hold_places(start)
    changed = find_changed(start)
    take_rights(start.root, changed)
    drop_left_out(start, changed)
    holders = {path.rpartition("/")[0] for path in start.skipped} - start.skipped
    changed_now = {*find_changed(start), *(holders & start.before.keys())}
    files = set() if stamped is None else {path for path in changed_now if is_file_below(start.root, path, stamped[0])}
    stamp((below(start.root, path) for path in sorted(changed_now - files)), epoch)
    if stamped is not None:
        stamp((below(start.root, path) for path in sorted(files)), stamped[1])


def is_file_below(root: Path, path: str, folder: str) -> bool:
    """Whether ``path`` is anything but a folder in there (a link is none), and not of the environment itself."""
    is_below = path.startswith(f"{folder}/") and not SKELETON.fullmatch(path.removeprefix(f"{folder}/"))
    return is_below and not stat.S_ISDIR(below(root, path).lstat().st_mode)


def collect(start: Start, out: Path, epoch: int) -> None:
    """Copy below ``out`` what changed; the folders on the way have the mode and owner that they have there, because a
    later layer's entry overrides an earlier one's."""
    out.mkdir(parents=True, exist_ok=True)
    names: dict[tuple[int, int], Path] = {}
    for path, status in find_changed(start).items():
        if not is_kept(path, status, start.before):
            continue
        source, target = below(start.root, path), below(out, path)
        make_folders(start.root, out, path if stat.S_ISDIR(status.st_mode) else path.rpartition("/")[0])
        if stat.S_ISLNK(status.st_mode):
            target.symlink_to(source.readlink())
            os.lchown(target, status.st_uid, status.st_gid)
        elif (status.st_dev, status.st_ino) in names:
            os.link(names[status.st_dev, status.st_ino], target)
        elif stat.S_ISREG(status.st_mode):
            shutil.copyfile(source, target)
            copy_attributes(source, target, status)
            names[status.st_dev, status.st_ino] = target
    take_rights(out, {path: entry.stat(follow_symlinks=False) for path, entry in walk(out, frozenset())})
    stamp([out, *(below(out, path) for path, _ in walk(out, frozenset()))], epoch)


def is_kept(path: str, status: os.stat_result, before: Before) -> bool:
    """Of folders those that are new or have another mode or owner, also where a log or a cache is to lie."""
    if stat.S_ISDIR(status.st_mode):
        attributes = (status.st_mode, status.st_uid, status.st_gid)
        return not EMPTIED_FOLDERS.fullmatch(path) and before.get(path) != attributes
    return not LEFT_OUT.fullmatch(path)


def make_folders(root: Path, out: Path, path: str) -> None:
    """``path`` below ``out``, with those above it."""
    if not path or below(out, path).is_dir():
        return
    make_folders(root, out, path.rpartition("/")[0])
    below(out, path).mkdir()
    copy_attributes(below(root, path), below(out, path), below(root, path).lstat())


def copy_attributes(source: Path, target: Path, status: os.stat_result) -> None:
    """Owner, mode and extended attributes, but those in which an overlay keeps its own books."""
    os.chown(target, status.st_uid, status.st_gid)
    target.chmod(stat.S_IMODE(status.st_mode))
    for name in os.listxattr(source):
        if not name.startswith(("trusted.overlay.", "user.overlay.")):
            os.setxattr(target, name, os.getxattr(source, name))


def below(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    cut = argv.index("--") if "--" in argv else len(argv)
    parser = argparse.ArgumentParser(prog="change.py")
    ways = parser.add_subparsers(dest="way", required=True)
    for name, words in (("collect", ("out", "epoch")), ("stay", ("epoch",)), ("install", ())):
        way = ways.add_parser(name)
        for word in words:
            way.add_argument(word, type=int if word == "epoch" else Path)
        way.add_argument("--debs", type=Path, action="append", default=[])
        if name == "stay":
            way.add_argument("--stamp", nargs=2, metavar=("FOLDER", "TIME"))
    arguments = parser.parse_args(argv[:cut])
    arguments.command = argv[cut + 1 :]
    return arguments


def main(argv: list[str], root: Path) -> None:
    arguments = parse_arguments(argv)
    debs = [deb for folder in arguments.debs for deb in folder.glob("*.deb")]
    if arguments.way == "install":
        install_quietly(root, debs, "0")
        return
    if not sys.dont_write_bytecode:
        raise SystemExit("change.py: run it with python -B")
    out = frozenset({f"/{arguments.out.relative_to(root)}"}) if arguments.way == "collect" else frozenset()
    begun = start(root, read_mounts(Path("/proc/self/mountinfo").read_text()) | out)
    environment = dict(os.environ)
    if debs:
        install_quietly(root, debs, str(arguments.epoch))
        remove_new_bytecode(begun)
        added = [path for path, _ in walk(root, begun.skipped) if path not in begun.before]
        prune(root, added, read_rules())
    if arguments.command and (code := subprocess.run(arguments.command, env=environment, check=False).returncode):
        raise SystemExit(code)
    if arguments.way == "collect":
        collect(begun, arguments.out, arguments.epoch)
    else:
        folder_and_time = arguments.stamp
        stay(begun, arguments.epoch, folder_and_time and (folder_and_time[0], int(folder_and_time[1])))


if __name__ == "__main__":
    main(sys.argv[1:], Path("/"))
