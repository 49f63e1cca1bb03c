"""The JSON documents of an image archive: which images it holds, and of which layers each is made.

Docker Image Specification v1.2 (``manifest.json``); OCI image layout, index, manifest and config (``image-spec``).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from builder.core.errors import BadImageArchiveError
from builder.engine.tarstream import HINT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MAX_DOCUMENT_BYTES = 2 << 20
"""A config has some ten thousand bytes; attestations, which nobody here reads, have more."""
MAX_ALL_BYTES = 32 << 20
MAX_IMAGES = 10_000
MAX_PARSED_BYTES = 4 * MAX_ALL_BYTES
"""Of all readings of documents: one that is named again and again is read again and again."""
LEAST_PARSED_BYTES = 1000
"""What reading a document counts at least."""
BLOBS = "blobs/sha256/"
"""Where the OCI layout keeps its files, each named by the sha256 of its bytes."""
MOST_KEPT = 8
"""Documents that are kept as they were read: an index may name one manifest again and again."""
_ATTESTATION = "vnd.docker.reference.type"


@dataclass(frozen=True)
class ArchivedImage:
    """One image of an archive. ``layers`` are names of files in the archive, oldest first, ``diffs`` their diff IDs."""

    id: str
    """``sha256:...`` over its configuration."""
    references: tuple[str, ...]
    config: Mapping[str, Any] = field(repr=False)
    layers: tuple[str, ...]
    diffs: tuple[str, ...]


class ArchiveDocuments:
    """Collects the small files of an archive, and reads those that it needs when all are there."""

    def __init__(self) -> None:
        self._texts: dict[str, bytes] = {}
        self._bytes = 0
        self._parsed = 0
        self._kept: dict[str, Any] = {}

    def add(self, name: str, size: int, read: Callable[[], bytes]) -> None:
        """A file that is not a layer. Larger ones than any document is are passed over."""
        if size > MAX_DOCUMENT_BYTES:
            return
        self._bytes += size
        if self._bytes > MAX_ALL_BYTES:
            raise _make_manifest_error(f"holds more than {MAX_ALL_BYTES} bytes of documents")
        data = read()
        if self._texts.setdefault(name, data) != data:
            raise _make_manifest_error(f"holds two different files {name}")

    def read_images(self) -> tuple[ArchivedImage, ...]:
        """Raises BadImageArchiveError when there is none, or a document is missing, damaged, or not what it must be."""
        if "manifest.json" in self._texts:
            found = tuple(
                self._make_docker_image(entry) for entry in _check_entries(self._load_document("manifest.json"))
            )
        elif "index.json" in self._texts:
            found = tuple(self._iterate_oci_images("index.json", (), 0))
        else:
            raise _make_manifest_error("ends before its manifest")
        if not found:
            raise _make_manifest_error("holds no image")
        return found

    def find_images_below(self, digest: str) -> tuple[ArchivedImage, ...]:
        """Those that the index or manifest with this digest leads to. Raises as :meth:`images`."""
        return tuple(self._iterate_oci_images(_find_blob_name({"digest": digest}), (), 0))

    def find_text(self, name: str) -> bytes | None:
        """The bytes of one file; None: there is none."""
        return self._texts.get(name)

    def _make_docker_image(self, entry: Mapping[str, Any]) -> ArchivedImage:
        layers = tuple(str(name) for name in _read_list(entry, "Layers"))
        return self._make_image(str(entry.get("Config")), layers, tuple(str(t) for t in _read_list(entry, "RepoTags")))

    def _iterate_oci_images(self, name: str, references: tuple[str, ...], depth: int) -> Iterator[ArchivedImage]:
        document = self._load_document(name)
        if not isinstance(document, dict) or depth > 3:
            raise _make_manifest_error(f"holds {name}, which is not a manifest")
        if "manifests" not in document:
            layers = tuple(_find_blob_name(layer) for layer in _read_list(document, "layers"))
            yield self._make_image(_find_blob_name(document.get("config")), layers, references)
            return
        for entry in _check_entries(document["manifests"]):
            notes = entry.get("annotations")
            notes = notes if isinstance(notes, dict) else {}
            if _ATTESTATION not in notes:
                named = notes.get("io.containerd.image.name") or notes.get("org.opencontainers.image.ref.name")
                yield from self._iterate_oci_images(
                    _find_blob_name(entry), (str(named),) if named else references, depth + 1
                )

    def _make_image(self, config_name: str, layers: tuple[str, ...], references: tuple[str, ...]) -> ArchivedImage:
        config = self._load_document(config_name)
        rootfs = config.get("rootfs") if isinstance(config, dict) else None
        diffs = tuple(str(diff) for diff in _read_list(rootfs if isinstance(rootfs, dict) else {}, "diff_ids"))
        if len(diffs) != len(layers):
            raise _make_manifest_error(f"names {len(layers)} layers, and its configuration {len(diffs)}")
        identity = f"sha256:{hashlib.sha256(self._texts[config_name]).hexdigest()}"
        return ArchivedImage(identity, references, config, layers, diffs)

    def _load_document(self, name: str) -> Any:
        data = self._texts.get(name)
        if data is None:
            raise _make_manifest_error(f"lacks {name}")
        self._parsed += max(len(data), LEAST_PARSED_BYTES)
        if self._parsed > MAX_PARSED_BYTES:
            raise _make_manifest_error("names the same documents too often")
        if name not in self._kept:
            document = _parse_document(name, data)
            if len(self._kept) == MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[name] = document
        return self._kept[name]


def _parse_document(name: str, data: bytes) -> Any:
    """Raises BadImageArchiveError where it is not JSON, or not what its name says."""
    if name.startswith(BLOBS) and hashlib.sha256(data).hexdigest() != name.removeprefix(BLOBS):
        raise _make_manifest_error(f"holds a damaged {name}: its bytes have another sha256")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _make_manifest_error(f"holds a damaged {name}: {error}") from error


def _make_manifest_error(what: str) -> BadImageArchiveError:
    return BadImageArchiveError(f"the image's archive {what}", hint=HINT)


def _check_entries(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or len(value) > MAX_IMAGES or not all(isinstance(one, dict) for one in value):
        raise _make_manifest_error("has a damaged manifest")
    return value


def _read_list(document: Mapping[str, Any], key: str) -> list[Any]:
    """The list under a key; null means that there is none."""
    value = document.get(key) or []
    if not isinstance(value, list):
        raise _make_manifest_error(f"has a damaged manifest: {key} is not a list")
    return value


def _find_blob_name(descriptor: object) -> str:
    """The file of an OCI descriptor."""
    digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
    if not isinstance(digest, str) or not digest.startswith("sha256:"):
        raise _make_manifest_error("has a manifest that names a blob without its sha256")
    return BLOBS + digest.removeprefix("sha256:")
