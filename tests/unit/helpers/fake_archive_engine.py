"""An engine in memory that saves and loads images, and folders with backups of whatever kind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import zstandard
from archive_files import image, sha256, tar

from builder.core.progress import SilentProgress
from builder.engine.archive import ImageArchive
from builder.engine.errors import ApiError
from builder.store.manifest import Manifest, SavedImage, write_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

CHUNK = 700


class SavingEngine:
    """Images by ID, as archives; ``names`` → ID. ``sends`` and ``loads`` count; ``spoilt``: what is sent instead."""

    def __init__(self) -> None:
        self.archives: dict[str, bytes] = {}
        self.names: dict[str, str] = {}
        self.spoilt: dict[str, bytes] = {}
        self.sends = self.loads = 0
        self.free: int | None = None

    @property
    def api(self) -> SavingEngine:
        return self

    def measure_free_bytes(self) -> int | None:
        return self.free

    def add(self, *layers: bytes, names: Sequence[str] = (), **config: Any) -> str:
        """An image of these layers; its ID."""
        return self.take(image(*layers, **config), names)

    def take(self, archive: bytes, names: Sequence[str] = ()) -> str:
        """As an engine takes an archive: the names in it move."""
        reader = ImageArchive([archive])
        for _ in reader.iterate_layers():
            pass
        (found,) = reader.check_images()
        self.archives[found.id] = archive
        self.names |= dict.fromkeys((*found.references, *names), found.id)
        return found.id

    def remove(self, identity: str) -> None:
        del self.archives[identity]
        self.names = {name: other for name, other in self.names.items() if other != identity}

    def find_image_id(self, reference: str) -> str | None:
        found = self.names.get(reference, reference)
        return found if found in self.archives else None

    def images(self) -> list[dict[str, Any]]:
        return [{"Id": one, "RepoTags": self.names_of(one) or None} for one in self.archives]

    def names_of(self, identity: str) -> list[str]:
        return sorted(name for name, other in self.names.items() if other == identity)

    def inspect_image(self, image: str) -> dict[str, Any]:
        identity = self.find_image_id(image)
        if identity is None:
            raise ApiError(f"/images/{image}/json", 404, "No such image")
        reader = ImageArchive([self.archives[identity]])
        for _ in reader.iterate_layers():
            pass
        (found,) = reader.check_images()
        return {
            "Id": identity,
            "RepoTags": self.names_of(identity),
            "RepoDigests": [],
            "Os": "linux",
            "Architecture": "amd64",
            "Created": "2024-01-01T00:00:00Z",
            "Size": len(self.archives[identity]),
            "RootFS": {"Layers": list(found.diffs)},
        }

    def get_image(self, image: str, chunk_size: int = CHUNK) -> Iterator[bytes]:
        self.sends += 1
        data = self.spoilt.get(image, self.archives.get(image))
        if data is None:
            raise ApiError(f"/images/{image}/get", 404, "No such image")
        for start in range(0, len(data), CHUNK):
            yield data[start : start + CHUNK]

    def tag(self, image: str, reference: str) -> None:
        assert image in self.archives
        self.names[reference] = image

    def load(self, chunks: Iterable[bytes]) -> None:
        data = b"".join(chunks)
        self.loads += 1
        self.take(data)


def files(folder: Path) -> list[str]:
    """Without the lock."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".optbuild-backup.lock")


LAYER = tar({"etc/motd": b"hello\n" * 300, "bin/sh": bytes(range(256)) * 8})


def forged(folder: Path, archive: bytes, identity: str, names: Sequence[str] = (), **facts: Any) -> SavedImage:
    """A backup whose manifest says of the archive whatever it is: only what is in it can be wrong.

    ``facts`` replace what the manifest says.
    """
    packed = zstandard.compress(archive)
    saved = SavedImage(
        id=identity,
        names=tuple(names),
        digests=(),
        platform="linux/amd64",
        created="2024-01-01T00:00:00Z",
        config=identity,
        layers=(f"sha256:{sha256(LAYER)}",),
        unpacked=300 * 6 + 2048,
        file=f"forged-{identity.removeprefix('sha256:')[:12]}.tar.zst",
        bytes=len(packed),
        sha256=sha256(packed),
        tar_bytes=len(archive),
        tar_sha256=sha256(archive),
        saved="2024-01-01T00:00:00Z",
        optbuild="0.1.0",
    )
    saved = replace(saved, **facts)
    folder.mkdir(exist_ok=True)
    (folder / saved.file).write_bytes(packed)
    write_manifest(folder, Manifest((saved,)))
    return saved


class Notes(SilentProgress):
    """A progress that remembers the lines that stay."""

    def __init__(self) -> None:
        self.text = ""

    def note(self, text: str) -> None:
        self.text += text + "\n"
