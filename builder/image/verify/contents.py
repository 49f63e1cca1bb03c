"""What must be in no layer: compilers, apt lists, package caches, secrets, files that give rights away.

Decided file by file over the stream.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from importlib.util import source_from_cache
from typing import TYPE_CHECKING

from builder.core.file_secrets import BUILD_SECRET, find_file_secrets
from builder.core.files import write_private_file
from builder.core.published import PublishedFiles, hash_data, is_published_list

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Mapping, Sequence
    from pathlib import Path

    from builder.engine.archive import LayerFile

RULES_VERSION = 5
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
PIP = "pip"
"""Nothing forbids it; of a base it is told, because our own images have none."""
_PIP = re.compile(r"/(?:site|dist)-packages/pip/__init__\.py$")


@dataclass(frozen=True)
class LayerFinding:
    """Something that must not be there. ``digests`` (sha256 and md5 of a secret's file) let it be excused; None:
    never."""

    kind: str
    path: str
    layer: str
    what: str
    digests: tuple[str, str] | None = None

    @property
    def is_excusable(self) -> bool:
        """Whether a base may have it: all but a secret of this very build."""
        return self.kind != "secret" or self.digests is not None

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
    _sources: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    """(layer, path) → digests, of what Python compiles."""
    _pip: list[LayerFinding] = field(default_factory=list)
    files: int = 0

    def inspect_file(self, file: LayerFile) -> None:
        """Judge one file. A whiteout is not a file: it says that one is gone."""
        if _WHITEOUT in file.path:
            return
        self.files += 1
        layer = parse_layer_digest(file.layer)
        if what := _classify_path(file):
            self._found.append(LayerFinding(what[0], file.path, layer, what[1]))
        if _PIP.search(file.path):
            self._pip.append(LayerFinding(PIP, file.path, layer, "pip"))
        self._found += [LayerFinding(PRIVILEGE, file.path, layer, words) for words in _find_privileges(file)]
        data = file.read()
        if file.path.endswith(".py"):
            self._sources[layer, file.path] = hash_data(data)
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
        found = (one for one in self._found if not (self._is_published(one, published) or self._is_packaged(one, base)))
        return tuple(sorted(found, key=lambda one: (one.kind, one.layer, one.path)))

    def list_remarks(self, layers: Container[str]) -> tuple[LayerFinding, ...]:
        """All that the given layers of a base have and an image of ours has not, by kind and path: the rights of
        Debian's own programs too, pip too."""
        published = self._published.values()
        found = (one for one in (*self._found, *self._pip) if one.layer in layers and one.is_excusable)
        return tuple(
            sorted(
                (one for one in found if not self._is_published(one, published)), key=lambda one: (one.kind, one.path)
            )
        )

    def select_clean_layers(self, layers: Iterable[str], base: str = "") -> tuple[str, ...]:
        """Those of the layers that are clean by themselves, whatever else the image holds."""
        guilty = {
            one.layer
            for one in self._found
            if not (self._is_published(one, [self._published[one.layer]]) or self._is_packaged(one, base))
        }
        return tuple(layer for layer in layers if layer not in guilty)

    def _is_published(self, finding: LayerFinding, lists: Collection[PublishedFiles]) -> bool:
        """Bytecode has a digest nowhere: it is excused by its source, in which a key may stand in several strings. That
        it is of that source, the check ``bytecode`` says."""
        if finding.digests is None:
            return False
        digests = finding.digests, self._sources.get((finding.layer, find_source(finding.path)))
        return any(published.has(*one) for published in lists for one in digests if one is not None)

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


def find_source(path: str) -> str:
    """Where the source of bytecode lies (PEP 3147); empty for any other file."""
    try:
        return source_from_cache(path)
    except ValueError:
        return ""


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


@dataclass(frozen=True)
class KnownLayers:
    """What these rules found before, by digest, under which a layer's bytes never change.

    ``bases``: of a layer of a base, what there is to remark, as (kind, path, what).
    """

    clean: frozenset[str] = frozenset()
    bases: Mapping[str, tuple[tuple[str, str, str], ...]] = field(default_factory=dict)

    def list_remarks(self, layers: Iterable[str]) -> tuple[LayerFinding, ...]:
        """Those of the layers of a base that were read before."""
        known = ((layer, row) for layer in layers for row in self.bases.get(layer, ()))
        return tuple(LayerFinding(kind, path, layer, what) for layer, (kind, path, what) in known)

    def with_base(self, layers: Iterable[str], remarks: Sequence[LayerFinding]) -> KnownLayers:
        """And these layers, which were read now."""
        rows = {
            layer: tuple((one.kind, one.path, one.what) for one in remarks if one.layer == layer) for layer in layers
        }
        return KnownLayers(self.clean, {**self.bases, **rows})


def read_known_layers(cache: Path) -> KnownLayers:
    """Empty where nothing is known, or other rules found it."""
    try:
        found = json.loads(cache.read_bytes())
        if found["rules"] != RULES_VERSION:
            return KnownLayers()
        bases = {
            str(layer): tuple((str(kind), str(path), str(what)) for kind, path, what in rows)
            for layer, rows in found["bases"].items()
        }
        return KnownLayers(frozenset(map(str, found["clean"])), bases)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return KnownLayers()


def write_known_layers(cache: Path, known: KnownLayers) -> None:
    """Remember; losing this file only costs time."""
    document = {"rules": RULES_VERSION, "clean": sorted(known.clean), "bases": known.bases}
    write_private_file(cache, json.dumps(document, sort_keys=True).encode())
