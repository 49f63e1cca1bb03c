"""The Python that an image's PATH leads to, and what it finds by itself: from the layers, without starting it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.image.lock.foundation import ENVIRONMENT
from builder.inspect.model import EntryKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.inspect.filesystem import ImageFilesystem

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Of an image that sets none: runc gives a container this one (Docker's ``DefaultPathEnv``)."""
_MOST_LINKS = 40
"""As the kernel (path_resolution(7))."""
_NAME = re.compile(r"python(3\.\d+)")
_FULL = re.compile(r"3\.\d+\.\d+(?:(?:a|b|rc)\d+)?\+?")
_PATCHLEVEL = re.compile(rb'^#define PY_VERSION\s+"([^"]+)"', re.MULTILINE)
_SETTING = re.compile(rb"^(version|version_info|include-system-site-packages)\s*=\s*(.*?)\s*$", re.MULTILINE)
_VARIABLES = ("PYTHON_VERSION", "AIRFLOW_PYTHON_VERSION")
"""Of the official Python images, and of the official Airflow images since 3.1, which compile their own."""


@dataclass(frozen=True)
class Interpreter:
    """``path``: its own file, after all links. ``version``: in full; empty where nothing in the image says it."""

    path: str
    minor: str
    """``3.11``"""
    version: str
    sites: tuple[str, ...]
    """Where it looks for distributions, in its order (the ``site`` module; PEP 405 of an environment)."""


def find_interpreter(
    filesystem: ImageFilesystem, environment: Mapping[str, str], packages: Mapping[str, str]
) -> Interpreter | None:
    """What ``python3`` starts; None where the image has none. ``packages``: Debian's, name → version."""
    for folder in (environment.get("PATH") or DEFAULT_PATH).split(":"):
        if not folder.startswith("/"):
            continue
        path = resolve_file(filesystem, f"{folder.rstrip('/')}/python3")
        minor = None if path is None else _find_minor(filesystem, path)
        if path is not None and minor is not None:
            settings = _read_environment_settings(filesystem, folder)
            version = next(_iterate_versions(filesystem, path, minor, packages, (settings, environment)), "")
            return Interpreter(path, minor, version, tuple(_iterate_sites(path, minor, folder, settings)))
    return None


def resolve_file(filesystem: ImageFilesystem, path: str) -> str | None:
    """Where a path ends, after every link; None: not at a file that can be started."""
    for _ in range(_MOST_LINKS):
        path = filesystem.resolve_links(path)
        there = filesystem.merged.visible.get(path)
        if there is None:
            return None
        if there.entry.kind is not EntryKind.SYMLINK:
            kind, mode = there.entry.kind, there.entry.mode
            return path if kind is EntryKind.HARDLINK or (kind is EntryKind.FILE and mode & 0o111) else None
        link = there.entry.link
        path = link if link.startswith("/") else f"{path.rpartition('/')[0]}/{link}"
    return None


def _find_minor(filesystem: ImageFilesystem, path: str) -> str | None:
    """By the name of the file; where that does not say it, by the one standard library beside it."""
    if found := _NAME.fullmatch(path.rpartition("/")[2]):
        return found[1]
    library = f"{_find_prefix(path)}/lib/python3."
    names = {one[len(library) :].partition("/")[0] for one in filesystem.files if one.startswith(library)}
    minors = [name for name in names if name.isdigit()]
    return f"3.{minors[0]}" if len(minors) == 1 else None


def _find_prefix(path: str) -> str:
    return path.rpartition("/")[0].rpartition("/")[0]


def _read_environment_settings(filesystem: ImageFilesystem, folder: str) -> dict[str, str] | None:
    """Of the virtual environment whose ``bin`` is ``folder``; None: it is not one."""
    text = filesystem.texts.get(filesystem.resolve_links(f"{folder.rpartition('/')[0]}/pyvenv.cfg"))
    if text is None:
        return None
    return {key.decode(): value.decode("utf-8", "replace").lower() for key, value in _SETTING.findall(text)}


def _iterate_versions(
    filesystem: ImageFilesystem,
    path: str,
    minor: str,
    packages: Mapping[str, str],
    said: tuple[Mapping[str, str] | None, Mapping[str, str]],
) -> Iterator[str]:
    """Best source first: CPython's own header, which every installed one has whose headers were not taken away;
    Debian's package, whose upstream version it is; the environment that was made with it; what the image says."""
    settings, environment = said
    header = filesystem.texts.get(f"{_find_prefix(path)}/include/python{minor}/patchlevel.h", b"")
    candidates = [found[1].decode("ascii", "replace")] if (found := _PATCHLEVEL.search(header)) else []
    if path.startswith("/usr/bin/"):
        candidates.append(packages.get(f"python{minor}-minimal", "").partition("-")[0])
    candidates += [
        (settings or {}).get("version", ""),
        ".".join((settings or {}).get("version_info", "").split(".")[:3]),
    ]
    if not path.startswith("/usr/bin/"):  # those variables are about a Python that was compiled for the image
        candidates += [environment.get(name, "") for name in _VARIABLES]
    yield from (one for one in candidates if _FULL.fullmatch(one) and one.startswith(f"{minor}."))


def _iterate_sites(path: str, minor: str, folder: str, settings: Mapping[str, str] | None) -> Iterator[str]:
    """Each once. Where packages lie in images of Airflow, and in ours, counts for every image: the user's site of those
    before 2.9, an environment since; where another environment comes first, ours would join it all the same."""
    ours = f"{ENVIRONMENT}/lib/python{minor}/site-packages"
    own = f"{folder.rpartition('/')[0]}/lib/python{minor}/site-packages" if settings is not None else ours
    yield own
    if settings is None or settings.get("include-system-site-packages") == "true":
        yield from _iterate_system_sites(_find_prefix(path), minor)
    if own != ours:
        yield ours


def _iterate_system_sites(prefix: str, minor: str) -> Iterator[str]:
    if prefix == "/usr":  # Debian's own (PEP 668; README.Debian of python3)
        yield from (f"/usr/local/lib/python{minor}/dist-packages", "/usr/lib/python3/dist-packages")
        yield f"/usr/lib/python{minor}/dist-packages"
    else:
        yield f"{prefix}/lib/python{minor}/site-packages"
