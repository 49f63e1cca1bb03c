"""Removes distributions of an image, each with exactly the files that its RECORD names, as pip would.

    remove_distributions.py NAME...     those that layers above bring in another version; change.py stamps the folders

What stays keeps its files: one that a distribution names which is not removed is left alone. Standard library only.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ENVIRONMENT = Path("/home/airflow/.local")


def list_sites(environment: Path, path: Iterable[str]) -> list[Path]:
    """Folders that hold distributions: of the environment, and those that the interpreter reads by itself."""
    own = sorted(environment.glob("lib/python3*/site-packages"))
    known = (Path(entry) for entry in path if re.search(r"/(?:site|dist)-packages/?$", entry))
    return list(dict.fromkeys(folder.resolve() for folder in (*own, *known) if folder.is_dir()))


def normalize(name: str) -> str:
    """By PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_name(information: Path) -> str:
    """Of a dist-info folder: its METADATA says it; the folder's name where that is not there."""
    file = information / "METADATA"
    text = file.read_text("utf-8", "replace") if file.is_file() else ""
    found = re.search(r"^Name:[ \t]*(\S+)", text, re.MULTILINE)
    return normalize(found[1] if found else information.name.partition("-")[0])


def list_files(record: Path) -> Iterator[Path]:
    """What RECORD names, with the bytecode of its sources; a path may lead out of the folder (scripts)."""
    site = record.parent.parent
    for row in csv.reader(io.StringIO(record.read_text("utf-8"))):
        if row:
            file = Path(os.path.normpath(site / row[0]))
            yield file
            if file.suffix == ".py":
                yield Path(importlib.util.cache_from_source(str(file)))


def remove(names: set[str], sites: list[Path]) -> list[Path]:
    """The files that are gone. Raises SystemExit, before anything is removed, for a name that has no RECORD."""
    records = [(read_name(one), one / "RECORD") for site in sites for one in sorted(site.glob("*.dist-info"))]
    leaving = [record for name, record in records if name in names]
    listed = {name for name, record in records if name in names and record.is_file()}
    if unknown := sorted(names - listed) or [str(record) for record in leaving if not record.is_file()]:
        raise SystemExit(
            f"remove_distributions.py: the base image does not say which files it has of {', '.join(unknown)} "
            "(no RECORD), so nothing can take their place; ask for the version that is there, or take a base without it"
        )
    kept = {file for name, record in records if name not in names and record.is_file() for file in list_files(record)}
    files = sorted({file for record in leaving for file in list_files(record)} - kept)
    gone = [file for file in files if file.is_symlink() or file.is_file()]
    for file in gone:
        file.unlink()
    remove_empty_folders({folder for file in gone for folder in list_parents(file, sites)})
    return gone


def list_parents(file: Path, sites: list[Path]) -> Iterator[Path]:
    """The folders of a distribution that hold the file: those below a site."""
    return (folder for folder in file.parents if any(site in folder.parents for site in sites))


def remove_empty_folders(folders: set[Path]) -> None:
    for folder in sorted(folders, reverse=True):
        if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
            folder.rmdir()


if __name__ == "__main__":
    remove({normalize(name) for name in sys.argv[1:]}, list_sites(ENVIRONMENT, sys.path))
