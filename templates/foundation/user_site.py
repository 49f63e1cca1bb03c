"""Scripts for an image whose packages lie in a user's site folder: nobody finds an interpreter beside them there.

    user_site.py OUT INTERPRETER     in every layer below OUT, after finish.py dressed it

Each script that names the environment's interpreter names INTERPRETER instead, and RECORD tells its new hash. Time
stamps stay. Standard library only.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import re
import sys
from pathlib import Path

ENVIRONMENT = "home/airflow/.local"
FIRST_LINE = re.compile(rb"#!/home/airflow/\.local/bin/python[0-9.]*(?=[ \n])")


def rewrite_scripts(layer: Path, interpreter: str) -> list[Path]:
    """Those that changed."""
    folder = layer / ENVIRONMENT / "bin"
    changed = []
    for script in sorted(folder.iterdir()) if folder.is_dir() else ():
        if script.is_symlink() or not script.is_file():
            continue
        data = script.read_bytes()
        if FIRST_LINE.match(data):
            write_in_place(script, FIRST_LINE.sub(f"#!{interpreter}".encode(), data, count=1))
            changed.append(script)
    return changed


def write_in_place(file: Path, data: bytes) -> None:
    before = file.stat()
    file.write_bytes(data)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def update_records(layer: Path, changed: list[Path]) -> None:
    """A script lies in the layer of its distribution, and so does its RECORD."""
    for record in sorted((layer / ENVIRONMENT).glob("lib/python3*/site-packages/*.dist-info/RECORD")):
        site = record.parent.parent
        rows = list(csv.reader(io.StringIO(record.read_text("utf-8"))))
        new = [describe(row, Path(os.path.normpath(site / row[0])), changed) for row in rows]
        if new != rows:
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(new)
            write_in_place(record, text.getvalue().encode())


def describe(row: list[str], file: Path, changed: list[Path]) -> list[str]:
    if file not in changed:
        return row
    data = file.read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return [row[0], f"sha256={digest}", str(len(data))]


def main(out: Path, interpreter: str) -> None:
    for layer in sorted(out.iterdir()):
        update_records(layer, rewrite_scripts(layer, interpreter))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
