"""Image archives made by hand: as engines of every age write them, and as nobody should."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zlib
from typing import TYPE_CHECKING, Any, Literal

import zstandard

from builder.engine.archive import GZIP, ZSTD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def info(name: str, kind: bytes = tarfile.REGTYPE, **values: Any) -> tarfile.TarInfo:
    """A header; ``size`` and the rest by their names."""
    made = tarfile.TarInfo(name)
    made.type = kind
    for key, value in values.items():
        setattr(made, key, value)
    return made


def tar_of(entries: Sequence[tuple[tarfile.TarInfo, bytes]], *, form: Literal[0, 1, 2] = tarfile.PAX_FORMAT) -> bytes:
    """An archive of these headers, each with its bytes whatever its size says."""
    parts = []
    for member, data in entries:
        parts += [member.tobuf(form, "utf-8", "surrogateescape"), data, bytes(-len(data) % 512)]
    return b"".join(parts) + bytes(1024)


def tar(files: Mapping[str, bytes], *, mode: int = 0o644, links: Mapping[str, str] | None = None) -> bytes:
    """Regular files, and symbolic links."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            archive.addfile(info(name, size=len(data), mode=mode), io.BytesIO(data))
        for name, target in (links or {}).items():
            archive.addfile(info(name, tarfile.SYMTYPE, linkname=target))
    return out.getvalue()


def plain(layer: bytes) -> bytes:
    if layer.startswith(GZIP):
        return zlib.decompressobj(31).decompress(layer)
    return zstandard.ZstdDecompressor().decompressobj().decompress(layer) if layer.startswith(ZSTD) else layer


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def blob(data: bytes) -> str:
    return f"blobs/sha256/{sha256(data)}"


def config_of(layers: Sequence[bytes], **more: Any) -> bytes:
    diffs = [f"sha256:{sha256(plain(layer))}" for layer in layers]
    rootfs = {"type": "layers", "diff_ids": diffs}
    return json.dumps({"architecture": "amd64", "os": "linux", "rootfs": rootfs, **more}).encode()


def image(
    *layers: bytes, named: list[str] | None = None, manifest: bool = True, tags: Sequence[str] = (), **config: Any
) -> bytes:
    """An archive as engines since 25 write it, without the files of the OCI layout that say the same once more."""
    written = config_of(layers, **config)
    files = {blob(layer): layer for layer in layers} | {blob(written): written}
    if manifest:
        names = named or [blob(layer) for layer in layers]
        entry = {"Config": blob(written), "Layers": names, "RepoTags": list(tags) or None}
        files["manifest.json"] = json.dumps([entry]).encode()
    return tar(files)


def images(*stacks: Sequence[bytes], tags: Sequence[str], **config: Any) -> bytes:
    """An archive of several images with one tag each."""
    files: dict[str, bytes] = {}
    entries = []
    for layers, tag in zip(stacks, tags, strict=True):
        written = config_of(layers, **config)
        files |= {blob(layer): layer for layer in layers} | {blob(written): written}
        entries.append({"Config": blob(written), "Layers": [blob(layer) for layer in layers], "RepoTags": [tag]})
    return tar({**files, "manifest.json": json.dumps(entries).encode()})


def _descriptor(data: bytes, **more: Any) -> dict[str, Any]:
    return {"digest": f"sha256:{sha256(data)}", "size": len(data), **more}


def oci_image(*layers: bytes, name: str = "it:1", nested: bool = False) -> bytes:
    """An OCI layout and nothing else, with an attestation as buildx adds it."""
    config = config_of(layers)
    manifest = json.dumps({"config": _descriptor(config), "layers": [_descriptor(layer) for layer in layers]}).encode()
    attestation = json.dumps({"config": _descriptor(b"{}"), "layers": []}).encode()
    files = {blob(data): data for data in (*layers, config, manifest, attestation, b"{}")}
    notes = {"annotations": {"io.containerd.image.name": name}}
    entries = [
        _descriptor(manifest, **({} if nested else notes)),
        _descriptor(attestation, annotations={"vnd.docker.reference.type": "attestation-manifest"}),
    ]
    index = json.dumps({"manifests": entries}).encode()
    if nested:
        files[blob(index)] = index
        index = json.dumps({"manifests": [_descriptor(index, **notes)]}).encode()
    return tar({**files, "index.json": index, "oci-layout": b'{"imageLayoutVersion": "1.0.0"}'})


def old_image(layers: Mapping[str, bytes], *, links: Mapping[str, str] | None = None) -> bytes:
    """As engines before 25 write it: a layer that comes twice is a link. ``links``: name → relative target."""
    names = [*layers, *(links or {})]
    wanted = [layers.get(name) or layers[(links or {})[name].removeprefix("../")] for name in names]
    manifest = json.dumps([{"Config": "c.json", "Layers": names}]).encode()
    return tar({**layers, "c.json": config_of(wanted), "manifest.json": manifest}, links=links or {})


def broken(layer: bytes, diff: str = "sha256:0") -> bytes:
    """An archive that is right about everything but what is in its layer."""
    config = json.dumps({"rootfs": {"diff_ids": [diff]}}).encode()
    manifest = json.dumps([{"Config": blob(config), "Layers": [blob(layer)]}]).encode()
    return tar({blob(layer): layer, blob(config): config, "manifest.json": manifest})


def chunks(data: bytes, size: int = 1000) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
