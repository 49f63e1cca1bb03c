"""Archives as `docker save` writes them, made by hand."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SITE = "venv/lib/python3.11/site-packages"
BASE = {"etc/motd": b"hello\n"}


def numpy(version: str, size: int) -> dict[str, bytes]:
    info = f"{SITE}/numpy-{version}.dist-info"
    return {
        f"{SITE}/numpy/core.so": version.encode() * size,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: numpy\nVersion: {version}\n".encode(),
        f"{info}/RECORD": "\n".join(
            f"{path},," for path in ("numpy/core.so", f"numpy-{version}.dist-info/METADATA")
        ).encode(),
    }


def tar(files: Mapping[str, bytes], *, time: int = 0) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, data in files.items():
            member = tarfile.TarInfo(path)
            member.size, member.mtime = len(data), time
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def save(path: Path, *layers: bytes) -> None:
    """An archive of Docker Image Specification v1.2 with one image, which is called like the file."""
    save_several(path, {f"{path.stem}:latest": layers})


def save_several(path: Path, images: Mapping[str, Sequence[bytes]]) -> None:
    """Reference → its layers, oldest first."""
    members: dict[str, bytes] = {}
    manifest = []
    for reference, layers in images.items():
        diffs = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
        config = {
            "os": "linux",
            "architecture": "amd64",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": diffs},
            "history": [{"created_by": f"COPY layer {number} /"} for number in range(len(layers))],
        }
        image = json.dumps(config).encode()
        name = f"{hashlib.sha256(image).hexdigest()}.json"
        names = [f"{diff.removeprefix('sha256:')}/layer.tar" for diff in diffs]
        manifest.append({"Config": name, "RepoTags": [reference], "Layers": names})
        members |= {name: image, **dict(zip(names, layers, strict=True))}
    path.write_bytes(tar({**members, "manifest.json": json.dumps(manifest).encode()}))
