"""Where the files of a COPY lie in the image, as far as its words tell: a source with a dot in its name is a file."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.dockerfile.files import CopyInstruction


def is_within(path: str, folder: str) -> bool:
    """Also where both are one; nothing is said to be within ``/``."""
    one, other = posixpath.normpath(path), posixpath.normpath(folder)
    return other != "/" and (one == other or one.startswith(other + "/"))


def overlaps_any(path: str, paths: Iterable[str]) -> bool:
    """Whether one of the two is within the other."""
    return any(is_within(path, one) or is_within(one, path) for one in paths)


def list_copied_paths(copy: CopyInstruction) -> tuple[str, ...]:
    """Of a file its path; of a folder the target, into which its contents go."""
    found = (_place_source(copy, posixpath.basename(source.rstrip("/"))) for source in copy.sources)
    return tuple(dict.fromkeys(found))


def _place_source(copy: CopyInstruction, name: str) -> str:
    is_file = "." in name.lstrip(".") and "*" not in name
    return posixpath.join(copy.target, name) if copy.folder and is_file else copy.target


def brings_path(copy: CopyInstruction, path: str) -> bool:
    """Whether ``path``, or a part of it, may come by this COPY."""
    at_root = "/" in list_copied_paths(copy)
    return at_root or overlaps_any(path, list_copied_paths(copy))
