"""Which file of an installed environment belongs to which distribution, and to which layer of the image.

Runs inside the build; standard library only. A plan (layers.json of a stage) names its layers, bottom first, and the
members of each: distributions, and with ``NAME.libs`` the libraries that the wheel of one bundles.
"""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LIBRARIES = ".libs"
SKELETON = re.compile(r"pyvenv\.cfg|\.lock|\.gitignore|lib64|bin/python[0-9.]*")
"""What an environment has before anything is installed; the rootfs stage makes it, once for all layers."""


@dataclass(frozen=True)
class Layer:
    """``stamp``: the time of all its files, in seconds."""

    name: str
    stamp: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """One distribution: its RECORD and its files."""

    name: str
    record: Path
    files: tuple[str, ...]


def read_plan(path: Path) -> tuple[Layer, ...]:
    """Of two members that claim one file, the one that stands later has it."""
    return tuple(Layer(row["name"], row["stamp"], tuple(row["members"])) for row in json.loads(path.read_text("utf-8")))


def list_groups(environment: Path, layers: tuple[Layer, ...]) -> list[Group]:
    """Every file in one group: its own distribution's, or the nearest one's where no RECORD names it.

    What is installed together claims no file twice, see :func:`list_rounds`.
    Raises SystemExit for a distribution that the plan does not have.
    """
    entries = list_entries(environment)
    ranks = {member: rank for rank, member in enumerate(member for layer in layers for member in layer.members)}
    records = find_records(environment)
    if strangers := sorted({*records} - {*ranks}):
        raise SystemExit(f"finish.py: installed, but in no layer of the plan: {', '.join(strangers)}")
    owners = {path: name for name, record in records.items() for path in read_claims(record, entries)}
    owners |= find_nearest_owners(entries - {*owners}, owners, ranks)
    files: dict[str, list[str]] = {name: [] for name in records}
    for path, name in sorted(owners.items()):
        files[name].append(path)
    return [Group(name, record, tuple(files[name])) for name, record in records.items()]


def find_site(environment: Path) -> Path:
    return next(environment.glob("lib/python3*/site-packages"))


def find_records(environment: Path) -> dict[str, Path]:
    """Name, normalised by PEP 503 → RECORD."""
    return {read_name(record): record for record in sorted(find_site(environment).glob("*.dist-info/RECORD"))}


def read_name(record: Path) -> str:
    return re.sub(r"[-_.]+", "-", record.parent.name.rpartition(".")[0].partition("-")[0]).lower()


def list_entries(environment: Path) -> set[str]:
    """All files and links that something was installed as; no link is followed."""
    found = set()
    for folder, folders, files in os.walk(environment):
        links = (name for name in folders if os.path.islink(f"{folder}/{name}"))
        found.update(f"{folder}/{name}" for name in (*files, *links))
    skeleton = len(f"{environment}/")
    return {path for path in found if not SKELETON.fullmatch(path, skeleton)}


def read_claims(record: Path, entries: set[str]) -> set[str]:
    """Those of the ``entries`` that a RECORD names; it may name any path, also outside of the environment."""
    site = str(record.parent.parent)
    rows = csv.reader(io.StringIO(record.read_text("utf-8")))
    return entries.intersection(os.path.normpath(f"{site}/{row[0]}") for row in rows)


def find_nearest_owners(unlisted: set[str], owners: dict[str, str], ranks: dict[str, int]) -> dict[str, str]:
    """For a file that a wheel has but does not list: who owns a file in the nearest folder, and of several the last."""
    nearest: dict[Path, str] = {}
    for path, name in owners.items() if unlisted else ():
        for folder in Path(path).parents:
            if folder not in nearest or ranks[nearest[folder]] < ranks[name]:
                nearest[folder] = name
    return {path: next(nearest[folder] for folder in Path(path).parents if folder in nearest) for path in unlisted}


def list_rounds(environment: Path, layers: tuple[Layer, ...]) -> list[list[str]]:
    """Which distributions can be installed together so that none overwrites a file of another.

    One round, unless two claim a file. What is installed in a later round wins: as the plan says, and as between two
    stages, where the upper layer hides the file of the lower one.
    """
    entries, records = list_entries(environment), find_records(environment)
    claims: dict[str, list[str]] = defaultdict(list)
    rounds: dict[str, int] = {}
    for name in (member for layer in layers for member in layer.members if member in records):
        paths = read_claims(records[name], entries)
        rounds[name] = max((rounds[other] + 1 for path in paths for other in claims.get(path, ())), default=0)
        for path in paths:
            claims[path].append(name)
    return [[name for name, found in rounds.items() if found == number] for number in range(max(rounds.values()) + 1)]


def map_layers(environment: Path, groups: list[Group], layers: tuple[Layer, ...]) -> dict[str, Layer]:
    """Every file that is there once all are finished, with its layer: what a RECORD names then, bytecode too.

    Raises SystemExit for a file that is nobody's: it would be missing in the image.
    """
    entries, site = list_entries(environment), f"{find_site(environment)}/"
    layer_of = {member: layer for layer in layers for member in layer.members}
    found = {
        path: layer_of[find_part(path.removeprefix(site), group.name, layer_of)]
        for group in groups
        for path in entries.intersection(group.files) | read_claims(group.record, entries)
    }
    if lost := sorted(entries - {*found}):
        raise SystemExit(f"finish.py: made while distributions were finished, and in no RECORD: {', '.join(lost)}")
    return found


def move_files(environment: Path, placed: Mapping[str, Layer], out: Path) -> None:
    """Each file to where it lies below the folder of its layer in ``out``; a folder whose files all go there as one.

    Empty folders go before: nothing but what is ``placed`` may come along.
    """
    drop_empty_folders(environment)
    owners = _find_folder_owners(environment, placed)
    for folder, folders, files in os.walk(environment):
        for name in [*folders]:
            path = f"{folder}/{name}"
            layer = owners.get(path) or placed.get(path)
            if layer and _move(path, f"{out}/{layer.name}{path}", is_folder=path in owners):
                folders.remove(name)
        for name in files:
            if layer := placed.get(f"{folder}/{name}"):
                _move(f"{folder}/{name}", f"{out}/{layer.name}{folder}/{name}", is_folder=False)


def drop_empty_folders(tree: Path) -> None:
    """Also those that hold nothing but such folders; ``tree`` itself stays."""
    for folder, folders, files in os.walk(tree, topdown=False):
        if not files and folder != str(tree) and not any(os.path.lexists(f"{folder}/{name}") for name in folders):
            os.rmdir(folder)


def _find_folder_owners(environment: Path, placed: Mapping[str, Layer]) -> dict[str, Layer]:
    """Folders below the environment whose entries all go to one layer; none that holds a part of the skeleton."""
    owners: dict[str, Layer | None] = {f"{environment}/bin": None}  # None: of several, or of the skeleton

    def claim(path: str, layer: Layer | None) -> str:
        folder = path.rpartition("/")[0]
        owners[folder] = layer if owners.get(folder, layer) is layer else None
        return folder

    folders = {claim(path, layer) for path, layer in placed.items()}
    for folder in [*folders]:
        folders.update(folder[:at] for at in range(len(f"{environment}/"), len(folder)) if folder[at] == "/")
    for folder in sorted(folders - {str(environment)}, key=len, reverse=True):  # what a folder holds before itself
        claim(folder, owners[folder])
    del owners[str(environment)]
    return {folder: layer for folder, layer in owners.items() if layer is not None}


def _move(path: str, target: str, *, is_folder: bool) -> bool:
    """False: a folder that cannot move as one, because there is one already or a part of it lies in another file system
    (overlayfs says so of a folder that a lower layer has)."""
    if is_folder and os.path.lexists(target):
        return False
    try:
        try:
            os.rename(path, target)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.rename(path, target)
    except OSError as error:
        if is_folder and error.errno == errno.EXDEV:
            return False
        raise
    return True


def find_part(path: str, name: str, layer_of: dict[str, Layer]) -> str:
    """``path`` below site-packages; one that lies elsewhere begins with a slash."""
    libraries = name + LIBRARIES
    return libraries if path.partition("/")[0].endswith(LIBRARIES) and libraries in layer_of else name
