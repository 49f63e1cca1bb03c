"""What must be in no layer: compilers, apt lists, package caches, secrets, files that give rights away.

Decided file by file over the stream.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.core.file_secrets import BUILD_SECRET, find_file_secrets
from builder.core.files import write_private_file
from builder.core.published import PublishedFiles, hash_data, is_published_list

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from builder.engine.archive import LayerFile

RULES_VERSION = 3
"""Raised with every change of the rules: what was found clean by other rules is read again."""

_COMPILER = re.compile(
    r"/(?:s?bin|libexec|lib/gcc|lib/llvm-[\d.]+)/(?:.+/)?(?:[a-z0-9_]+-linux-gnu-)?(?:gcc|g\+\+|cc|c\+\+|cc1|cc1plus|clang|clang\+\+|ld|ld\.(?:bfd|gold|lld|mold))(?:-[\d.]+)?$"
)
_APT_LIST = re.compile(
    r"^/var/lib/apt/lists/(?!lock$|partial/?$).+|^/var/cache/apt/(?:archives/.+\.deb|(?:src)?pkgcache\.bin)$"
)
_CACHE = re.compile(r"/\.cache/(?:pip|uv)/|^/tmp/pip-|/pip-cache/|/uv-cache/")
_WHITEOUT = "/.wh."
"""How a layer's archive says that something below is deleted (OCI image layer specification, "Whiteouts")."""
_PACKAGE_LIST = re.compile(r"^/var/lib/dpkg/info/[^/]+\.list$")
_MERGED = ("/bin/", "/sbin/", "/lib")
"""Folders that are links into /usr since Debian 12; the lists of older packages have the old names."""
_SCRATCH = ("/tmp/", "/var/tmp/", "/dev/", "/run/")  # noqa: S108 - where every user may write by design
_SETUID, _SETGID, _OTHERS_WRITE = 0o4000, 0o2000, 0o002
PRIVILEGE = "privilege"


@dataclass(frozen=True)
class LayerFinding:
    """Something that must not be there. ``digests`` (sha256 and md5 of a secret's file) let it be excused; None:
    never."""

    kind: str
    path: str
    layer: str
    what: str
    digests: tuple[str, str] | None = None

    def __str__(self) -> str:
        return f"{self.what}: {self.path} (layer {self.layer[:12]})"


@dataclass
class LayerInspection:
    """Collects findings while the layers stream by; lists of packages may come before or after what they excuse."""

    forbidden: tuple[bytes, ...] = ()
    _found: list[LayerFinding] = field(default_factory=list)
    _published: dict[str, PublishedFiles] = field(default_factory=lambda: defaultdict(PublishedFiles))
    _packaged: dict[str, set[str]] = field(default_factory=dict)
    """Of each layer, the files of the Debian packages that it installs."""
    files: int = 0

    def inspect_file(self, file: LayerFile) -> None:
        """Judge one file. A whiteout is not a file: it says that one is gone."""
        if _WHITEOUT in file.path:
            return
        self.files += 1
        layer = parse_layer_digest(file.layer)
        if what := _classify_path(file):
            self._found.append(LayerFinding(what[0], file.path, layer, what[1]))
        self._found += [LayerFinding(PRIVILEGE, file.path, layer, words) for words in _find_privileges(file)]
        data = file.read()
        if is_published_list(file.path):
            self._published[layer].add_list(file.path, data)
        if _PACKAGE_LIST.match(file.path):
            self._packaged.setdefault(layer, set()).update(_parse_package_list(data))
        for words in find_file_secrets(file.path, data, self.forbidden):
            digests = None if words == BUILD_SECRET else hash_data(data)
            self._found.append(LayerFinding("secret", file.path, layer, words, digests))

    def list_findings(self, base: str = "") -> tuple[LayerFinding, ...]:
        """What stays when the published files are excused, by layer and path. ``base``: the lowest layer."""
        published = self._published.values()
        found = (one for one in self._found if not (_is_published(one, published) or self._is_packaged(one, base)))
        return tuple(sorted(found, key=lambda one: (one.kind, one.layer, one.path)))

    def select_clean_layers(self, layers: Iterable[str], base: str = "") -> tuple[str, ...]:
        """Those of the layers that are clean by themselves, whatever else the image holds."""
        guilty = {
            one.layer
            for one in self._found
            if not (_is_published(one, [self._published[one.layer]]) or self._is_packaged(one, base))
        }
        return tuple(layer for layer in layers if layer not in guilty)

    def _is_packaged(self, finding: LayerFinding, base: str) -> bool:
        """The rights of a program that a Debian package brings in this very layer are Debian's decision (su, mount).

        A base without Debian's lists decides for itself; a layer above it does not.
        """
        if finding.kind != PRIVILEGE:
            return False
        packaged = self._packaged.get(finding.layer)
        return finding.layer == base if packaged is None else finding.path in packaged


def _classify_path(file: LayerFile) -> tuple[str, str] | None:
    if file.mode & 0o111 and _COMPILER.search(file.path):
        return "compiler", "a compiler or linker"
    if _APT_LIST.search(file.path):
        return "apt", "apt's lists or packages"
    if _CACHE.search(file.path):
        return "cache", "a package installer's cache"
    return None


def _is_published(one: LayerFinding, lists: Iterable[PublishedFiles]) -> bool:
    return one.digests is not None and any(published.has(*one.digests) for published in lists)


def _find_privileges(file: LayerFile) -> list[str]:
    """What the file lets anybody do who starts or changes it."""
    found = ["a setuid file"] if file.mode & _SETUID else []
    found += ["a setgid file"] if file.mode & _SETGID else []
    found += ["a file with capabilities"] if file.capabilities else []
    if file.mode & _OTHERS_WRITE and not file.path.startswith(_SCRATCH):
        found.append("a file that every user may write")
    return found


def _parse_package_list(data: bytes) -> set[str]:
    """Paths of a Debian package, where they are and where they are since /usr is merged."""
    paths = data.decode("utf-8", "replace").splitlines()
    return {*paths, *(f"/usr{path}" for path in paths if path.startswith(_MERGED))}


def parse_layer_digest(layer: str) -> str:
    """The digest in a layer's name in the archive: ``blobs/sha256/DIGEST`` or ``ID/layer.tar``."""
    return layer.removeprefix("blobs/sha256/").removesuffix("/layer.tar")


def read_clean_layers(cache: Path) -> frozenset[str]:
    """Digests of layers that these rules found clean before; a layer's bytes never change under its digest."""
    try:
        found = json.loads(cache.read_bytes())
        return frozenset(found["clean"]) if found["rules"] == RULES_VERSION else frozenset()
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()


def write_clean_layers(cache: Path, clean: Iterable[str]) -> None:
    """Remember; losing this file only costs time."""
    write_private_file(cache, json.dumps({"rules": RULES_VERSION, "clean": sorted(clean)}).encode())
