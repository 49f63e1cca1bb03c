"""Which Debian an image is, and whether packages can be added to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.core.debian import RELEASE_GLIBC
from builder.foundation.interpreter import resolve_file
from builder.inspect.packages.debian import DPKG

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from builder.foundation.request import FoundationRequest
    from builder.inspect.filesystem import ImageFilesystem

_RELEASE_FILES = ("/etc/os-release", "/usr/lib/os-release")
"""In the order of os-release(5); Debian's first one is a link to the second."""
_LINE = re.compile(r"""^([A-Z_]+)=(["']?)(.*)\2$""", re.MULTILINE)
_STATUS = f"{DPKG}/status"
_GLIBC = re.compile(r"(?:\d+:)?(2\.\d+)(?:\D|$)")
_ANOTHER = "take an image of Debian bookworm or trixie, like python:3.11-slim-bookworm"


@dataclass(frozen=True)
class DebianSystem:
    """``release``: its code name. ``status``: dpkg's file as it is."""

    release: str
    glibc: str
    status: str


def read_system(
    filesystem: ImageFilesystem, request: FoundationRequest, packages: Mapping[str, str], shell: Iterable[str]
) -> DebianSystem:
    """``packages``: name → version. Raises :class:`BaseRefusedError`."""
    release = _read_release(filesystem, request)
    status = filesystem.texts.get(_STATUS)
    if status is None or resolve_file(filesystem, "/usr/bin/dpkg") is None:
        raise request.refuse(
            "is Debian without dpkg (distroless): no package can be added to it, and its own are not known", _ANOTHER
        )
    program = next(iter(shell), "/bin/sh")
    for one in dict.fromkeys(("/bin/sh", program)):
        if resolve_file(filesystem, one) is None:
            raise request.refuse(f"has no {one}: nothing can be started in it by a script", _ANOTHER)
    glibc = _GLIBC.match(packages.get("libc6", ""))
    if glibc is None:
        raise request.refuse(
            f"has {'libc6 ' + packages['libc6'] if 'libc6' in packages else 'no package libc6'}: "
            "which wheels run on it is not known",
            _ANOTHER,
        )
    return DebianSystem(release, glibc[1], status.decode("utf-8", "replace"))


def _read_release(filesystem: ImageFilesystem, request: FoundationRequest) -> str:
    found = _read_release_file(filesystem)
    if not found:
        raise request.refuse("does not say which Linux it is: it has no /etc/os-release", _ANOTHER)
    name = found.get("PRETTY_NAME") or found.get("ID", "?")
    family = {found.get("ID", ""), *found.get("ID_LIKE", "").split()}
    if "debian" not in family:
        raise request.refuse(f"is {_clean(name)}, and optbuild adds Debian packages", _ANOTHER)
    release = found.get("VERSION_CODENAME", "")
    if found.get("ID") != "debian" or release not in RELEASE_GLIBC:
        known = " and ".join(RELEASE_GLIBC)
        raise request.refuse(f"is {_clean(name)}; the releases that are known are Debian's {known}", _ANOTHER)
    return release


def _read_release_file(filesystem: ImageFilesystem) -> dict[str, str]:
    for path in _RELEASE_FILES:
        text = filesystem.texts.get(filesystem.resolve_links(path))
        if text:
            return {key: value for key, _, value in _LINE.findall(text.decode("utf-8", "replace"))}
    return {}


def _clean(name: str) -> str:
    return "".join(character for character in name[:80] if character.isprintable())
