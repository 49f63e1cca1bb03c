"""A small image of Debian's base and a few packages of a lock, built on the real engine: its layers, entry by entry."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from builder.cli.runtime import make_local_runtime
from builder.engine.buildx import BuildOptions, BuildPlan
from builder.engine.secrets import find_secrets
from builder.image.base.make import make_base
from builder.image.build.build import run_buildx
from builder.image.lock.layers.plan import plan_layers
from builder.image.render.context import render_context

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec


@dataclass(frozen=True)
class Entry:
    """What an archive says of a file or folder, but for its time."""

    kind: bytes
    mode: int
    owner: tuple[int, int]
    size: int
    link: str
    sha256: str


@dataclass(frozen=True)
class ImageLayer:
    """``entries``: path → what it is, and its time."""

    instruction: str
    diff_id: str
    entries: dict[str, tuple[Entry, int]]


def select(lock: Lock, names: tuple[str, ...], most: int) -> Lock:
    """A lock of these distributions alone; each keeps the time that its layer had."""
    stamps = {part: layer.stamp for layer in lock.layers for part in layer.members}
    return replace(
        lock,
        python=tuple(one for one in lock.python if one.name in names),
        layers=plan_layers({name: stamps[name] for name in names}, most),
    )


def build_layers(folder: Path, spec: Spec, lock: Lock) -> tuple[ImageLayer, ...]:
    """Under the spec's name. Raises BuildFailedError."""
    context, runtime = render_context(spec, lock), make_local_runtime(quiet=True)
    context.write(folder / "context")
    make_base(runtime, context, folder / "context")
    plan = BuildPlan(
        reference=spec.image.name,
        platform=context.platform,
        source_date_epoch=context.source_date_epoch,
        metadata=folder / "metadata.json",
        folder=folder / "context",
        options=BuildOptions(),
        secrets=find_secrets(runtime.env),
        rawjson=True,
    )
    run_buildx(plan, runtime)
    subprocess.run(["docker", "save", "--output", folder / "image.tar", spec.image.name], check=True)
    return tuple(read_layers(folder / "image.tar"))


def read_layers(archive: Path) -> Iterator[ImageLayer]:
    with tarfile.open(archive) as outer:
        manifest = json.load(outer.extractfile("manifest.json") or io.BytesIO())[0]
        config = json.load(outer.extractfile(manifest["Config"]) or io.BytesIO())
        history = [row["created_by"] for row in config["history"] if not row.get("empty_layer")]
        for path, text, diff_id in zip(manifest["Layers"], history, config["rootfs"]["diff_ids"], strict=True):
            with tarfile.open(fileobj=outer.extractfile(path)) as inner:
                yield ImageLayer(text.removesuffix(" # buildkit"), diff_id, dict(read_entries(inner)))


def read_entries(archive: tarfile.TarFile) -> Iterator[tuple[str, tuple[Entry, int]]]:
    for member in archive:
        file = archive.extractfile(member) if member.isreg() else None
        digest = hashlib.sha256(file.read()).hexdigest() if file is not None else ""
        entry = Entry(member.type, member.mode, (member.uid, member.gid), member.size, member.linkname, digest)
        yield member.name.rstrip("/"), (entry, int(member.mtime))
