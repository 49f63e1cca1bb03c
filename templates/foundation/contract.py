"""Gives an image that somebody else made what every image of ours has: user, folders, entrypoint, environment.

    contract.py ROOTFS SCRIPTS     in place; change.py keeps what this changed

What rootfs.sh makes below a folder of its own for a base that is made here. Standard library only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

USER, UID, GID, HOME = "airflow", 50000, 0, "/home/airflow"
PASSWD_LINE = f"{USER}:x:{UID}:{GID}:{USER}:{HOME}:/bin/bash"
PIP = re.compile(r"pip[0-9.]*")
ENVIRONMENT = f"{HOME}/.local"
OWN_FOLDERS = (HOME, "/opt/airflow", *(f"/opt/airflow/{name}" for name in ("config", "dags", "logs", "plugins")))


def add_user(passwd: str) -> str:
    """The user database with our user: its name and its number lead to our line, whoever had one of them before.

    Of several lines with a name or a number the first one counts (getpwnam(3) and getpwuid(3) read the file in order).
    """
    lines = passwd.splitlines()
    if PASSWD_LINE in lines:
        return passwd
    at = next((at for at, line in enumerate(lines) if is_rival(line)), len(lines))
    return "".join(f"{line}\n" for line in [*lines[:at], PASSWD_LINE, *lines[at:]])


def is_rival(line: str) -> bool:
    fields = line.split(":")
    return fields[0] == USER or fields[2:3] == [str(UID)]


def write_user(root: Path) -> None:
    """/etc/passwd is writable for group 0: the entrypoint enters an unknown user there."""
    file = root / "etc/passwd"
    file.write_text(add_user(file.read_text("utf-8")), "utf-8")
    file.chmod(0o664)


def make_folders(root: Path) -> None:
    """Those of the user; where the image has one, it becomes ours, and what lies in it stays."""
    for name in OWN_FOLDERS:
        folder = root / name.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        os.chown(folder, UID, GID)
        folder.chmod(0o775)


def place_file(source: Path, target: Path, mode: int) -> None:
    """A file of ours, also where the image has a link of that name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)


def place_link(link: Path, to: str) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(to)


def place_programs(root: Path, rootfs: Path, path: str) -> None:
    """Ours, and our pip in the place of each on ``path``: what one installs into a container is gone with it."""
    programs = root / "usr/local/bin"
    place_file(rootfs / "entrypoint", root / "entrypoint", 0o755)
    place_file(rootfs / "profile.sh", root / "etc/profile.d/airflow.sh", 0o644)
    place_file(rootfs / "pip", programs / "pip", 0o755)
    place_link(programs / "pip3", "pip")
    place_link(programs / USER, f"{ENVIRONMENT}/bin/{USER}")  # for shells with a PATH of their own
    for other in find_pips(root, path):
        place_link(other, "/usr/local/bin/pip")


def find_pips(root: Path, path: str) -> list[Path]:
    """Every program named pip, pip3 or pip3.N on ``path`` but our own two."""
    own = {root / "usr/local/bin" / name for name in ("pip", "pip3")}
    folders = [root / name.lstrip("/") for name in path.split(":") if name.startswith("/")]
    found = [entry for folder in folders if folder.is_dir() for entry in sorted(folder.iterdir())]
    return [entry for entry in found if PIP.fullmatch(entry.name) and entry not in own and not is_ours(entry, own)]


def is_ours(entry: Path, own: set[Path]) -> bool:
    """/bin and /usr/bin may be one folder, and so a program may be found twice."""
    return any(entry.parent.resolve() / entry.name == one.parent.resolve() / one.name for one in own)


def make_environment() -> None:
    """The one that the packages lie in, as it is before the first of them: no layer of theirs has a part of it."""
    subprocess.run(("python3", "-m", "venv", "--without-pip", "--symlinks", ENVIRONMENT), check=True)  # noqa: S607 - the image's own
    for script in Path(ENVIRONMENT, "bin").glob("[Aa]ctivate*"):
        script.unlink()
    for path in (Path(ENVIRONMENT), *Path(ENVIRONMENT).rglob("*")):
        os.chown(path, UID, GID, follow_symlinks=False)
        if not path.is_symlink():
            path.chmod(0o775 if path.is_dir() else 0o664)


def main(rootfs: Path, scripts: Path) -> None:
    os.umask(0o022)
    write_user(Path("/"))
    make_folders(Path("/"))
    place_programs(Path("/"), rootfs, os.environ.get("PATH", os.defpath))
    make_environment()
    library = Path(__file__).with_name("stdlib.py")
    subprocess.run((sys.executable, "-B", str(library), str(scripts)), check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
