"""Everything in one RUN: what only a build needs comes first and is gone at the end, and what it made lies in place.

    single.py EPOCH TOOLS -- COMMAND...

TOOLS: what the builder stage of an image with several stages has beside its base, as a tar or as a folder of .debs. It
is unpacked beside what is there and nothing is configured: no file of a lower layer changes. COMMAND then gives the
image what it has besides its packages; it may put a tree into /out, whose folders become one with / in the end.

Nothing that a lower layer has is deleted: a whiteout carries the wall clock. Run below change.py, which stamps what is
left. Standard library only.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import change

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT, OUT = Path("/"), Path("/out")
NOTES = "/opt/optbuild/notes"
SECRETS = {
    "uv_default_index": ("UV_DEFAULT_INDEX", "PIP_INDEX_URL"),
    "uv_index": ("UV_INDEX", "PIP_EXTRA_INDEX_URL"),
}
"""Mounted directly below /, because a mount leaves the folders on its way behind; install.sh reads other places."""
NETRC = Path("/netrc")
HOLDERS = ("root", "run", "tmp", "var/cache")
"""Folders that a build may touch or not, as its secrets and caches are: they count as changed in each."""


def open_archives(tools: Path) -> Iterator[tarfile.TarFile]:
    if tools.is_file():
        with tarfile.open(tools) as archive:
            yield archive
        return
    for deb in sorted(tools.glob("*.deb")):
        done = subprocess.run(("dpkg-deb", "--fsys-tarfile", str(deb)), check=True, stdout=subprocess.PIPE)  # noqa: S607 - the image's own
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            yield archive


def unpack_missing(archive: tarfile.TarFile, root: Path) -> None:
    """What ``root`` does not have; what it has stays as it is, folders too."""
    for member in archive:
        if not os.path.lexists(root / member.name):
            archive.extract(member, root, numeric_owner=True)


def name_compilers(root: Path) -> None:
    """As the packages' own scripts do when they are configured (update-alternatives)."""
    for name, program in (("cc", "gcc"), ("c++", "g++")):
        link = root / "usr/bin" / name
        if (root / "usr/bin" / program).exists() and not os.path.lexists(link):
            link.symlink_to(program)


def read_secrets(root: Path) -> dict[str, str]:
    """The variables that install.sh would make of them."""
    found = {name: root / name for name in SECRETS if (root / name).is_file()}
    return {variable: file.read_text("utf-8") for name, file in found.items() for variable in SECRETS[name]}


def install(epoch: str, environment: dict[str, str]) -> None:
    """The layers of the packages below /out, checked."""
    for words in (("tools",), ("sdists",), ("packages", str(OUT), epoch)):
        run(("/bin/bash", "/scripts/install.sh", *words), environment)
    run(("python3", "/scripts/finish.py", "check", NOTES), environment)


def run(command: tuple[str, ...], environment: dict[str, str]) -> None:
    code = subprocess.run(command, env=environment, check=False).returncode
    if code:
        raise SystemExit(code)


def remove_new(root: Path, before: change.Before, skipped: frozenset[str]) -> None:
    """Everything that was not there; what is ``skipped`` stays."""
    new = [(path, entry.is_dir(follow_symlinks=False)) for path, entry in change.walk(root, skipped)]
    for path, is_folder in sorted(new, reverse=True):
        if path not in before:
            here = change.below(root, path)
            if is_folder:
                here.rmdir()
            else:
                here.unlink()


def merge(tree: Path, root: Path) -> None:
    """Move everything below ``tree`` to ``root``; a folder gets the owner, mode and attributes that it has there."""
    for path, entry in change.walk(tree, frozenset()):
        here, there = change.below(tree, path), change.below(root, path)
        if entry.is_dir(follow_symlinks=False):
            there.mkdir(exist_ok=True)
            change.copy_attributes(here, there, here.lstat())
        else:
            here.replace(there)


def main(epoch: str, tools: Path, command: tuple[str, ...]) -> None:
    mounts = change.read_mounts(Path("/proc/self/mountinfo").read_text())
    before = change.list_paths(ROOT, mounts)
    for name in HOLDERS:
        if (ROOT / name).is_dir():
            os.utime(ROOT / name)
    if NETRC.is_file() and not os.path.lexists("/root/.netrc"):
        Path("/root/.netrc").symlink_to(NETRC)
    for archive in open_archives(tools):
        unpack_missing(archive, ROOT)
    name_compilers(ROOT)
    environment = {**os.environ, **read_secrets(ROOT)}
    run(("python3", str(Path(__file__).with_name("stdlib.py"))), environment)
    install(epoch, environment)
    remove_new(ROOT, before, mounts | {str(OUT)})
    run(command, dict(os.environ))
    for tree in sorted(OUT.iterdir()):
        merge(tree, ROOT)
    shutil.rmtree(OUT)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), tuple(sys.argv[4:]))
