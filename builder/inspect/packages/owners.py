"""Which package owns each file: dpkg's record first, then each distribution's RECORD; the first owner keeps it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from builder.inspect.filesystem import ImageFilesystem
    from builder.inspect.overlay import LayeredEntry

_COMPILED = re.compile(r"(?:\.[a-z]+-?\d+(?:-pytest-[\w.]+)?(?:\.opt-\w+)?)?\.pyc$")
"""The end of a compiled module's name: what compiled it (pytest says so too), and how."""


@dataclass(frozen=True)
class Ownership:
    """Owners are indexes into the list of packages: one name may be installed in two places."""

    claims: Mapping[str, int] = field(repr=False)
    """Path → who says that it is theirs; the path need not be in the image."""
    owners: Mapping[str, int] = field(repr=False)
    """Visible path of a file → its owner."""


def assign_owners(filesystem: ImageFilesystem, file_lists: Sequence[Iterable[str]]) -> Ownership:
    """``file_lists``: the paths that each package names, in the order in which they may claim."""
    claims: dict[str, int] = {}
    for index in range(len(file_lists) - 1, -1, -1):  # backwards, so that the first one wins
        claims.update(dict.fromkeys(file_lists[index], index))
    owners: dict[str, int] = {}
    for folder, placed in filesystem.folders.items():
        _assign_folder(folder, placed, claims, owners)
    return Ownership(claims, owners)


def _assign_folder(
    folder: str, placed: Iterable[LayeredEntry], claims: Mapping[str, int], owners: dict[str, int]
) -> None:
    bytecode = folder.endswith("/__pycache__")
    for _, entry in placed:
        path = entry.path
        owner = claims.get(path)
        if owner is None and bytecode:
            owner = claims.get(format_source_path(path))
        if owner is not None:
            owners[path] = owner


def format_source_path(bytecode: str) -> str:
    """``/a/x.y.py`` of ``/a/__pycache__/x.y.cpython-311.opt-1.pyc`` (PEP 3147, PEP 488)."""
    folder, _, name = bytecode.rpartition("/")
    return f"{folder.removesuffix('/__pycache__')}/{_COMPILED.sub('', name)}.py"
