"""What must be in no layer: compilers, apt lists, package caches, secrets; decided file by file over the stream."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from builder.core.files import write_private_file
from builder.image.verify.secrets import BUILD_SECRET, find_file_secrets, parse_record_hashes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from builder.engine.archive import LayerFile

RULES_VERSION = 1
"""Raised with every change of the rules: what was found clean by other rules is read again."""

_COMPILER = re.compile(
    r"/(?:s?bin|libexec|lib/gcc|lib/llvm-[\d.]+)/(?:.+/)?(?:[a-z0-9_]+-linux-gnu-)?(?:gcc|g\+\+|cc|c\+\+|cc1|cc1plus|clang|clang\+\+|ld|ld\.(?:bfd|gold|lld|mold))(?:-[\d.]+)?$"
)
_APT_LIST = re.compile(
    r"^/var/lib/apt/lists/(?!lock$|partial/?$).+|^/var/cache/apt/(?:archives/.+\.deb|(?:src)?pkgcache\.bin)$"
)
_CACHE = re.compile(r"/\.cache/(?:pip|uv)/|^/tmp/pip-|/pip-cache/|/uv-cache/")


@dataclass(frozen=True)
class LayerFinding:
    """Something that must not be there. ``digest`` (of a secret's file) lets it be excused; None: never."""

    kind: str
    path: str
    layer: str
    what: str
    digest: str | None = None

    def __str__(self) -> str:
        return f"{self.what}: {self.path} (layer {self.layer[:12]})"


@dataclass
class LayerInspection:
    """Collects findings while the layers stream by; RECORD files may come before or after what they excuse."""

    forbidden: tuple[bytes, ...] = ()
    _found: list[LayerFinding] = field(default_factory=list)
    _published: dict[str, set[str]] = field(default_factory=dict)
    files: int = 0

    def inspect_file(self, file: LayerFile) -> None:
        """Judge one file."""
        self.files += 1
        layer = parse_layer_digest(file.layer)
        if what := _classify_path(file):
            self._found.append(LayerFinding(what[0], file.path, layer, what[1]))
        data = file.read()
        if file.path.endswith(".dist-info/RECORD"):
            self._published.setdefault(layer, set()).update(parse_record_hashes(data))
        for words in find_file_secrets(file.path, data, self.forbidden):
            excusable = words != BUILD_SECRET
            self._found.append(LayerFinding("secret", file.path, layer, words, _hash_data(data) if excusable else None))

    def list_findings(self) -> tuple[LayerFinding, ...]:
        """What stays when the published files are excused, by layer and path."""
        published = set().union(*self._published.values())
        return tuple(
            sorted((f for f in self._found if f.digest not in published), key=lambda f: (f.kind, f.layer, f.path))
        )

    def select_clean_layers(self, layers: Iterable[str]) -> tuple[str, ...]:
        """Those of the layers that are clean by themselves, whatever else the image holds."""
        guilty = {f.layer for f in self._found if f.digest not in self._published.get(f.layer, set())}
        return tuple(layer for layer in layers if layer not in guilty)


def _classify_path(file: LayerFile) -> tuple[str, str] | None:
    if file.mode & 0o111 and _COMPILER.search(file.path):
        return "compiler", "a compiler or linker"
    if _APT_LIST.search(file.path):
        return "apt", "apt's lists or packages"
    if _CACHE.search(file.path):
        return "cache", "a package installer's cache"
    return None


def _hash_data(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def parse_layer_digest(layer: str) -> str:
    """The digest in a layer's name in the archive: ``blobs/sha256/DIGEST`` or ``ID/layer.tar``."""
    return layer.removeprefix("blobs/sha256/").removesuffix("/layer.tar")


def find_config_secrets(config: Mapping[str, Any], forbidden: tuple[bytes, ...]) -> tuple[LayerFinding, ...]:
    """Secrets in the image's configuration (environment, labels) and its history (build arguments)."""
    text = json.dumps(config, ensure_ascii=False).encode()
    return tuple(
        LayerFinding("secret", "the image's configuration", "none", what)
        for what in find_file_secrets("", text, forbidden)
    )


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
