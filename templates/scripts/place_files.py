"""Lays files of the project out as they lie in the image: each folder of SOURCE is one entry of [files].

    place_files.py SOURCE OUT EPOCH [BELOW]...    each entry below OUT/<its number>, with the time stamp EPOCH
    place_files.py SOURCE / ENTRY                 one entry, in place; change.py sets the time stamps

A folder that the image has already keeps the mode and the owner that it has there, or below one of BELOW, because a
later layer's entry overrides an earlier one's. All else of an entry is the user's: group 0 may write, so every user of
the image can. Standard library only.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

UID, GID = 50000, 0
AIRFLOW_HOME = "/opt/airflow"
FOLDER_MODE, FILE_MODE, PROGRAM_MODE = 0o775, 0o664, 0o775
TARGETS = "targets.json"


def find_status(folder: str, target: str, below: list[Path]) -> tuple[int, int, int]:
    """Mode, owner, group of a folder of the image."""
    for root in (*below, Path("/")):
        there = root / folder.lstrip("/")
        if there.is_dir():
            status = there.stat()
            return status.st_mode & 0o7777, status.st_uid, status.st_gid
    is_own = any(f"{folder}/".startswith(f"{one}/") for one in (AIRFLOW_HOME, target))
    return (FOLDER_MODE, UID, GID) if is_own else (0o755, 0, 0)


def place_entry(entry: Path, target: str, out: Path, below: list[Path]) -> list[Path]:
    """``entry`` holds whole paths of the image, ``out`` gets them. What was made, the deepest first."""
    made: list[Path] = []
    for parent, folders, names in os.walk(entry):
        folders.sort()
        inside = Path("/", Path(parent).relative_to(entry))
        folder = out / inside.relative_to("/")
        if inside != Path("/"):
            status = find_status(str(inside), target, below)
            folder.mkdir(exist_ok=True)
            folder.chmod(status[0])
            os.chown(folder, *status[1:])
        made.append(folder)
        made += [place_file(Path(parent, name), folder / name) for name in sorted(names)]
    return made[::-1]


def place_file(source: Path, target: Path) -> Path:
    target.unlink(missing_ok=True)
    shutil.copyfile(source, target)
    target.chmod(PROGRAM_MODE if source.stat().st_mode & 0o100 else FILE_MODE)
    os.chown(target, UID, GID)
    return target


def place_all(source: Path, out: Path, epoch: int, below: list[Path]) -> None:
    out.mkdir()
    for number, target in sorted(read_targets(source).items()):
        (out / number).mkdir()
        for path in place_entry(source / number, target, out / number, below):
            os.utime(path, (epoch, epoch))


def read_targets(source: Path) -> dict[str, str]:
    """Entry → its path in the image."""
    return dict(json.loads((source / TARGETS).read_text("utf-8")))


def main(source: Path, out: Path, word: str, below: list[Path]) -> None:
    os.umask(0)
    if out == Path("/"):
        place_entry(source / word, read_targets(source)[word], out, below)
    else:
        place_all(source, out, int(word), below)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], [Path(name) for name in sys.argv[4:]])
