"""What a backup folder holds, as its manifest says: one JSON document for the folder, one entry for each image.

The document is canonical and carries a sha256 over itself, so a changed byte anywhere in it is noticed. It names no
path of the machine that wrote it: a folder can be moved as a whole.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from builder.core.documents import Form, dump_document, parse_document
from builder.core.errors import BackupFolderError, BrokenDocumentError, DamagedBackupError, NewerDocumentError
from builder.core.files import open_regular_file, write_atomically
from builder.core.image_reference import extract_last_component
from builder.core.naming import shorten_id

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA_VERSION = 1
MANIFEST_FILE = "optbuild-backup.json"
MAX_BYTES = 64 << 20
"""Of a manifest: some hundred thousand images."""
PRIVATE_MODE = 0o600
"""Images may hold what only their owner should read; `docker save` writes such files too."""
_BY_HAND = (
    "make the backup once more, into another folder; what its archives hold can be loaded by hand, without its names "
    "and unchecked: `zstd -dc FILE | docker load`"
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HEX = re.compile(r"[0-9a-f]{64}")
_FILE = re.compile(r"[a-z0-9][a-z0-9._-]{0,80}-[0-9a-f]{12}\.tar\.zst")
_NAME = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9._:/\[\]-]{0,300}:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_KNOWN_BY = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9._:/\[\]-]{0,300}@[a-z0-9]{1,20}:[0-9a-f]{32,128}")
_WORD = re.compile(r"[\x20-\x7e]{0,100}")


@dataclass(frozen=True)
class SavedImage:
    """One image in a backup folder, and the archive that holds it. Read back once, and found whole."""

    id: str
    """As the engine named it: ``sha256:…``."""
    names: tuple[str, ...]
    """All that it had when it was last saved or looked at."""
    digests: tuple[str, ...]
    """``name@sha256:…``. No archive can bring those back: only a pull gives them."""
    platform: str
    created: str
    """As the image says."""
    config: str
    """``sha256:…`` over its configuration; the same as ``id``, but for engines that keep images in containerd."""
    layers: tuple[str, ...]
    """Diff IDs, oldest first."""
    unpacked: int
    """Bytes: sum of the regular files of all layers."""
    file: str
    bytes: int
    sha256: str
    tar_bytes: int
    """Of what the file holds when it is decompressed: an archive of `docker save`."""
    tar_sha256: str
    saved: str
    """When it was written, in UTC."""
    optbuild: str
    """The version that wrote it."""


@dataclass(frozen=True)
class Manifest:
    """All images of a folder, in the order in which they were last saved or found whole: a name that two of them have
    is the later one's."""

    images: tuple[SavedImage, ...] = ()

    def find_image(self, identity: str) -> SavedImage | None:
        return next((one for one in self.images if one.id == identity), None)

    def with_image(self, image: SavedImage) -> Manifest:
        """An older entry of the same image goes."""
        return replace(self, images=(*self.without_image(image.id).images, image))

    def without_image(self, identity: str) -> Manifest:
        return replace(self, images=tuple(one for one in self.images if one.id != identity))


def dump_manifest(manifest: Manifest) -> bytes:
    """The document; the same manifest always gives the same bytes."""
    document = asdict(manifest)
    digest = hashlib.sha256(dump_document(document, SCHEMA_VERSION)).hexdigest()
    return dump_document({**document, "sha256": digest}, SCHEMA_VERSION)


def parse_manifest(data: bytes, name: str) -> Manifest:
    """Inverse of :func:`dump_manifest`: nothing else is accepted. ``name`` is what messages call the document.

    Raises DamagedBackupError, and BackupFolderError for one that a newer optbuild wrote.
    """
    try:
        manifest = parse_document(data, _FORM, name)
    except NewerDocumentError as error:
        raise BackupFolderError(error.message, hint="use that version, or another folder") from error
    except BrokenDocumentError as error:
        raise _make_damaged_error(name, error.why) from error
    if dump_manifest(manifest) != data:
        raise _make_damaged_error(name, "its bytes are not those that optbuild wrote")
    return manifest


def read_manifest(folder: Path) -> Manifest | None:
    """Of a folder; None: it has none. Raises as :func:`parse_manifest`, and BackupFolderError."""
    path = folder / MANIFEST_FILE
    try:
        with open_regular_file(path) as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BackupFolderError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise _make_damaged_error(str(path), f"it has more than {MAX_BYTES} bytes")
    return parse_manifest(data, str(path))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """In one step: a crash leaves the old one or the new one. What could not be read again is not written."""
    data = dump_manifest(manifest)
    parse_manifest(data, MANIFEST_FILE)
    write_atomically(folder / MANIFEST_FILE, data, mode=PRIVATE_MODE)


def format_file_name(names: tuple[str, ...], identity: str) -> str:
    """Of the archive: for a person, yet one for each image ID."""
    word = extract_last_component(names[0]) if names else ""
    safe = re.sub(r"[^a-z0-9._-]", "-", word).lstrip("._-")[:80]
    return f"{safe or 'image'}-{shorten_id(identity)}.tar.zst"


def _check_values(_document: object, manifest: Manifest) -> None:
    """Raises ValueError for what no optbuild writes: later these values name files, tags and images."""
    for image in manifest.images:
        for key, value, shape in _list_text_fields(image):
            if shape.fullmatch(value) is None:
                raise ValueError(f"{key} {value!r} is not valid")
        for key, number in (("unpacked", image.unpacked), ("bytes", image.bytes), ("tar_bytes", image.tar_bytes)):
            if number < 0:
                raise ValueError(f"{key} {number!r} is not valid")
    for key in ("id", "file"):
        values = [getattr(image, key) for image in manifest.images]
        if len(set(values)) != len(values):
            raise ValueError(f"two entries have the same {key}")


def _list_text_fields(image: SavedImage) -> list[tuple[str, str, re.Pattern[str]]]:
    return [
        ("id", image.id, _DIGEST),
        ("config", image.config, _DIGEST),
        ("file", image.file, _FILE),
        ("sha256", image.sha256, _HEX),
        ("tar_sha256", image.tar_sha256, _HEX),
        *(("layer", layer, _DIGEST) for layer in image.layers),
        *(("name", name, _NAME) for name in image.names),
        *(("digest", name, _KNOWN_BY) for name in image.digests),
        *((key, getattr(image, key), _WORD) for key in ("platform", "created", "saved", "optbuild")),
    ]


def _make_damaged_error(name: str, why: str) -> DamagedBackupError:
    return DamagedBackupError(f"{name} is damaged: {why}", hint=_BY_HAND)


_FORM = Form(Manifest, SCHEMA_VERSION, open_types=(Manifest,), check=_check_values)
"""Open for its sha256; that nothing else is there, the comparison of the bytes shows."""
