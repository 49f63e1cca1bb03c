"""Which file of an installed environment belongs to which distribution, and to which layer of the image.

Runs inside the build; standard library only. A plan (layers.json of a stage) names its layers, bottom first, and the
members of each: distributions, and with ``NAME.libs`` the libraries that the wheel of one bundles.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

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
    files: tuple[Path, ...]


def read_plan(path: Path) -> tuple[Layer, ...]:
    """Of two members that claim one file, the one that stands later has it."""
    return tuple(Layer(row["name"], row["stamp"], tuple(row["members"])) for row in json.loads(path.read_text("utf-8")))


def list_groups(environment: Path, layers: tuple[Layer, ...]) -> list[Group]:
    """Every file in one group: its own distribution's, or the nearest one's where no RECORD names it.

    What is installed together claims no file twice, see :func:`list_rounds`.
    Raises SystemExit for a distribution that the plan does not have.
    """
    site = find_site(environment)
    ranks = {member: rank for rank, member in enumerate(member for layer in layers for member in layer.members)}
    records = {read_name(record): record for record in site.glob("*.dist-info/RECORD")}
    if strangers := sorted({*records} - {*ranks}):
        raise SystemExit(f"finish.py: installed, but in no layer of the plan: {', '.join(strangers)}")
    owners = {path: name for name, record in records.items() for path in read_claims(record)}
    owners |= find_nearest_owners(environment, owners, ranks)
    files: dict[str, list[Path]] = {name: [] for name in records}
    for path, name in sorted(owners.items()):
        files[name].append(path)
    return [Group(name, records[name], tuple(files[name])) for name in records]


def find_site(environment: Path) -> Path:
    return next(environment.glob("lib/python3*/site-packages"))


def read_name(record: Path) -> str:
    """Normalised by PEP 503."""
    return re.sub(r"[-_.]+", "-", record.parent.name.rpartition(".")[0].partition("-")[0]).lower()


def read_claims(record: Path) -> set[Path]:
    """The files and links of a RECORD that are there, inside of the environment: a RECORD may list any path."""
    site = record.parent.parent
    environment = site.parents[2]
    rows = csv.reader(io.StringIO(record.read_text("utf-8")))
    paths = (Path(os.path.normpath(site / row[0])) for row in rows)
    return {path for path in paths if is_own_folder(path.parent, environment) and is_entry(path)}


@cache
def is_own_folder(folder: Path, environment: Path) -> bool:
    """Below the environment, by no link."""
    return folder.is_relative_to(environment) and folder.resolve() == folder


def is_entry(path: Path) -> bool:
    return path.is_symlink() or path.is_file()


def find_nearest_owners(environment: Path, owners: dict[Path, str], ranks: dict[str, int]) -> dict[Path, str]:
    """For a file that a wheel has but does not list: who owns a file in the nearest folder, and of several the last."""
    nearest: dict[Path, str] = {}
    for path, name in owners.items():
        for folder in path.parents:
            if folder not in nearest or ranks[nearest[folder]] < ranks[name]:
                nearest[folder] = name
    unlisted = (path for path in list_entries(environment) if path not in owners)
    return {path: next(nearest[folder] for folder in path.parents if folder in nearest) for path in unlisted}


def list_rounds(environment: Path, layers: tuple[Layer, ...]) -> list[list[str]]:
    """Which distributions can be installed together so that none overwrites a file of another.

    One round, unless two claim a file. What is installed in a later round wins: as the plan says, and as between two
    stages, where the upper layer hides the file of the lower one.
    """
    claims: dict[Path, list[str]] = defaultdict(list)
    rounds: dict[str, int] = {}
    records = {read_name(record): record for record in find_site(environment).glob("*.dist-info/RECORD")}
    for name in (member for layer in layers for member in layer.members if member in records):
        paths = read_claims(records[name])
        rounds[name] = max((rounds[other] + 1 for path in paths for other in claims.get(path, ())), default=0)
        for path in paths:
            claims[path].append(name)
    return [[name for name, found in rounds.items() if found == number] for number in range(max(rounds.values()) + 1)]


def map_layers(environment: Path, groups: list[Group], layers: tuple[Layer, ...]) -> dict[Path, Layer]:
    """Every file that is there once all are finished, with its layer: what a RECORD names then, bytecode too.

    Raises SystemExit for a file that is nobody's: it would be missing in the image.
    """
    site = find_site(environment)
    layer_of = {member: layer for layer in layers for member in layer.members}
    found = {
        path: layer_of[find_part(path, site, group.name, layer_of)]
        for group in groups
        for path in {*filter(is_entry, group.files), *read_claims(group.record)}
    }
    if lost := sorted(str(path) for path in list_entries(environment) if path not in found):
        raise SystemExit(f"finish.py: made while distributions were finished, and in no RECORD: {', '.join(lost)}")
    return found


def list_entries(environment: Path) -> list[Path]:
    """All files and links that something was installed as."""
    paths = (path for path in environment.rglob("*") if is_entry(path))
    return [path for path in paths if not SKELETON.fullmatch(path.relative_to(environment).as_posix())]


def find_part(path: Path, site: Path, name: str, layer_of: dict[str, Layer]) -> str:
    libraries = name + LIBRARIES
    bundled = path.is_relative_to(site) and path.relative_to(site).parts[0].endswith(LIBRARIES)
    return libraries if bundled and libraries in layer_of else name
