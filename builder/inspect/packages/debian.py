"""Debian packages of an image, from dpkg's own database (deb-control(5), dpkg-divert(1)); distroless images too."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.inspect.filesystem import ImageFilesystem

DPKG = "/var/lib/dpkg"
_STATUS = f"{DPKG}/status"
_PARTS = f"{DPKG}/status.d/"
_INFO = f"{DPKG}/info/"
_AUTOMATIC = "/var/lib/apt/extended_states"
_INSTALLED = frozenset({"installed", "triggers-awaited", "triggers-pending"})
"""States of a package that is there and configured (dpkg(1)): the last two wait for a look at others' files."""
_RELATION = re.compile(r"^\s*([a-z0-9][a-z0-9+.-]+)")


@dataclass(frozen=True)
class DebianPackage:
    """One installed package."""

    name: str
    version: str
    architecture: str
    needed: bool
    """dpkg itself counts on it: essential, or of priority ``required``."""
    depends: tuple[tuple[str, ...], ...] = field(repr=False)
    """For each dependency the names of its alternatives."""
    provides: tuple[str, ...] = field(repr=False)
    manual: bool
    """apt was asked for it by name; False as well where apt kept no account of that."""
    files: tuple[str, ...] = field(repr=False)
    """Absolute, where they really are (after diversions and links of a merged ``/usr``); folders too."""


def find_debian_packages(filesystem: ImageFilesystem) -> tuple[DebianPackage, ...]:
    """All that are installed, by name and architecture."""
    texts = filesystem.texts
    lists = _FileLists(filesystem)
    automatic = _parse_automatic(texts.get(_AUTOMATIC))
    found = [
        _make_package(fields, automatic, lists.list_files(fields["Package"], fields.get("Architecture", "")))
        for fields in _iterate_stanzas(texts)
        if fields.get("Package") and fields.get("Status", "").rpartition(" ")[2] in _INSTALLED
    ]
    return tuple(sorted(found, key=lambda one: (one.name, one.architecture)))


def _iterate_stanzas(texts: Mapping[str, bytes]) -> Iterator[dict[str, str]]:
    if _STATUS in texts:
        for stanza in texts[_STATUS].decode("utf-8", "replace").split("\n\n"):
            yield _parse_fields(stanza)
    for path in sorted(texts):
        if path.startswith(_PARTS) and not path.endswith(".md5sums"):
            for stanza in texts[path].decode("utf-8", "replace").split("\n\n"):
                yield {"Status": "install ok installed", **_parse_fields(stanza)}


def _parse_fields(stanza: str) -> dict[str, str]:
    """One-line fields, and the first line of the others: no list of packages is ever folded in a status file."""
    found = {}
    for line in stanza.split("\n"):
        if line[:1] not in {" ", "\t"}:
            key, colon, value = line.partition(":")
            if colon:
                found[key] = value.strip()
    return found


def _make_package(fields: Mapping[str, str], automatic: frozenset[str] | None, files: tuple[str, ...]) -> DebianPackage:
    needed = fields.get("Essential") == "yes" or fields.get("Priority") == "required"
    name = fields["Package"]
    return DebianPackage(
        name,
        fields.get("Version", ""),
        fields.get("Architecture", ""),
        needed,
        (*_parse_relations(fields.get("Pre-Depends", "")), *_parse_relations(fields.get("Depends", ""))),
        tuple(names[0] for names in _parse_relations(fields.get("Provides", ""))),
        automatic is not None and name not in automatic and not needed,
        files,
    )


def _parse_relations(text: str) -> tuple[tuple[str, ...], ...]:
    found = []
    for part in text.split(","):
        names = tuple(match[1] for option in part.split("|") if (match := _RELATION.match(option)))
        if names:
            found.append(names)
    return tuple(found)


def _parse_automatic(text: bytes | None) -> frozenset[str] | None:
    """Names that apt installed for another's sake; None: it kept no account."""
    if text is None:
        return None
    stanzas = [_parse_fields(stanza) for stanza in text.decode("utf-8", "replace").split("\n\n")]
    return frozenset(one.get("Package", "") for one in stanzas if one.get("Auto-Installed") == "1")


class _FileLists:
    """Which files a package has."""

    def __init__(self, filesystem: ImageFilesystem) -> None:
        self._scene = filesystem
        self._texts = filesystem.texts
        self._diverted = dict(_parse_diversions(filesystem.texts.get(f"{DPKG}/diversions", b"")))
        self._notes: dict[str, list[str]] = {}
        for path in filesystem.files:
            if path.startswith(_INFO):
                self._notes.setdefault(path[len(_INFO) :].rpartition(".")[0], []).append(path)

    def list_files(self, package: str, architecture: str) -> tuple[str, ...]:
        qualified = f"{package}:{architecture}"
        own = qualified if f"{_INFO}{qualified}.list" in self._texts else package
        part = f"{_PARTS}{package}"
        paths = [*self._notes.get(own, ()), part, f"{part}.md5sums"]
        lines = self._read_lines(f"{_INFO}{own}.list")
        paths += [self._resolve_path(line, package) for line in lines if line and line != "/."]
        sums = (line.split(maxsplit=1) for line in self._read_lines(f"{part}.md5sums"))
        paths += [self._resolve_path(posixpath.join("/", words[1]), package) for words in sums if len(words) == 2]
        return tuple(paths)

    def _read_lines(self, path: str) -> list[str]:
        return self._texts.get(path, b"").decode("utf-8", "surrogateescape").split("\n")

    def _resolve_path(self, path: str, package: str) -> str:
        diverted = self._diverted.get(path)
        if diverted is not None and diverted[1] != package:
            path = diverted[0]
        return self._scene.resolve_links(path)


def _parse_diversions(text: bytes) -> Iterator[tuple[str, tuple[str, str]]]:
    """Path → (where another package's file of that name really is, the package that diverted it)."""
    lines = text.decode("utf-8", "surrogateescape").split("\n")
    for start in range(0, len(lines) - 2, 3):
        original, place, package = lines[start : start + 3]
        yield original, (place, package)
