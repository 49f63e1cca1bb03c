"""Python distributions of an image, from their METADATA and RECORD (PEP 376, PEP 427; core metadata specification)."""

from __future__ import annotations

import contextlib
import csv
import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.inspect.cache_folders import is_cached

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from builder.inspect.filesystem import ImageFilesystem

_PYTHON = re.compile(r"/python(3\.\d+)(?:/|$)")
_SITES = ("/site-packages", "/dist-packages")
_METADATA = {"METADATA": (".dist-info",), "PKG-INFO": (".egg-info", "/EGG-INFO")}
_SEPARATORS = re.compile(r"[-_.]+")
_FIELDS = re.compile(rb"^(Name|Version|Requires-Dist):(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Distribution:
    """One installed distribution."""

    name: str
    """Normalised (PEP 503)."""
    version: str
    folder: str
    """Its ``site-packages``."""
    info: str
    """Its ``.dist-info`` or ``.egg-info``, absolute."""
    requires: tuple[str, ...] = field(repr=False)
    """``Requires-Dist`` as the metadata has them: with markers and extras."""
    requested: bool
    """Its installer was asked for it by name (PEP 376, REQUESTED)."""
    files: tuple[str, ...] = field(repr=False)
    """Absolute paths of RECORD; some may not be in the image any more."""
    python: str
    """``3.11``; empty where the folder does not say."""


def normalize_name(name: str) -> str:
    """PEP 503."""
    return _SEPARATORS.sub("-", name).lower()


def find_distributions(filesystem: ImageFilesystem) -> tuple[Distribution, ...]:
    """All of them, by folder and name.

    What a distribution carries for its own use (``setuptools/_vendor``) does not count, nor what an
    installer's cache keeps.
    """
    found: list[Distribution] = []
    carried: set[str] = set()
    for info in sorted(set(_iterate_info_paths(filesystem.texts)), key=_make_info_key):
        if info in carried or is_cached(info):
            continue
        one = _read_distribution(info, filesystem)
        if one is not None:
            found.append(one)
            carried |= {path.rpartition("/")[0] for path in one.files if path.endswith("/METADATA")}
    return tuple(sorted(found, key=lambda one: (one.folder, one.name, one.version)))


def _iterate_info_paths(texts: Mapping[str, bytes]) -> Iterator[str]:
    for path in texts:
        folder, _, name = path.rpartition("/")
        if name in _METADATA and folder.endswith(_METADATA[name]):
            yield folder
        elif name.endswith(".egg-info"):  # one file, as distutils made it
            yield path


def _make_info_key(info: str) -> tuple[bool, str]:
    return (not _find_site_folder(info).endswith(_SITES), info)


def _find_site_folder(info: str) -> str:
    return posixpath.dirname(info if not info.endswith("/EGG-INFO") else posixpath.dirname(info))


def _read_distribution(info: str, filesystem: ImageFilesystem) -> Distribution | None:
    texts = filesystem.texts
    text = texts.get(f"{info}/METADATA") or texts.get(f"{info}/PKG-INFO") or texts.get(info)
    name, version, requires = _parse_header(text or b"")
    if not name:
        return None
    site = _find_site_folder(info)
    python = _PYTHON.search(site)
    return Distribution(
        normalize_name(name),
        version,
        site,
        info,
        requires,
        f"{info}/REQUESTED" in filesystem.merged.visible,
        tuple(_list_files(info, site, texts)),
        python[1] if python else "",
    )


def _parse_header(text: bytes) -> tuple[str, str, tuple[str, ...]]:
    """Name, version and requirements: the fields are before the first empty line."""
    found: dict[bytes, list[str]] = {b"Name": [], b"Version": [], b"Requires-Dist": []}
    end = text.find(b"\n\n")
    for key, value in _FIELDS.findall(text if end < 0 else text[:end]):
        found[key].append(value.decode("utf-8", "replace").strip())
    name, version = ((*found[key], "")[0] for key in (b"Name", b"Version"))
    return name, version, tuple(found[b"Requires-Dist"])


def _list_files(info: str, site: str, texts: Mapping[str, bytes]) -> Iterable[str]:
    if (record := texts.get(f"{info}/RECORD")) is not None:
        return _make_absolute(_parse_record(record), site)
    if (listed := texts.get(f"{info}/installed-files.txt")) is not None:  # pip before wheels
        return _make_absolute(listed.decode("utf-8", "replace").split("\n"), info)
    return ()


def _parse_record(record: bytes) -> Iterator[str]:
    for line in record.decode("utf-8", "surrogateescape").split("\n"):
        if line[:1] == '"':  # a comma in the name
            with contextlib.suppress(csv.Error):
                yield next(csv.reader([line]))[0]
        else:
            yield line.partition(",")[0]


def _make_absolute(paths: Iterable[str], folder: str) -> Iterator[str]:
    for path in paths:
        if path[:1] == "/" or ".." in path:
            yield posixpath.normpath(posixpath.join(folder, path.rstrip("\r")))
        elif path:
            yield f"{folder}/{path}"
