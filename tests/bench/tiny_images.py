"""Tiny images for tests of what lies on an engine: each a few files in layers, loaded in one go, and removed again."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import tarfile
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from builder.core.process import Command, LocalRunner

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from builder.engine.client import Engine

TEST_LABEL = "optbuild.test"
"""As in tests/integration/conftest.py, which removes what a killed run left."""


def own_value() -> str:
    """For the label: names the process, so that a later run knows that it is gone."""
    return f"{os.getpid()}-{uuid.uuid4().hex[:12]}"


@dataclass(frozen=True)
class Tiny:
    """``layers``: of each the text of its one file; equal texts at the same place are one layer on disk."""

    names: tuple[str, ...]
    layers: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    created: str = "2024-01-02T03:04:05Z"


def archive(images: Sequence[Tiny]) -> bytes:
    """What `docker load` takes: manifest.json, a configuration for each image, each layer once."""
    files: dict[str, bytes] = {}
    manifest = []
    for image in images:
        layers = [_layer(number, text) for number, text in enumerate(image.layers)]
        diffs = [f"sha256:{hashlib.sha256(data).hexdigest()}" for data in layers]
        paths = [f"{diff.removeprefix('sha256:')}/layer.tar" for diff in diffs]
        files |= dict(zip(paths, layers, strict=True))
        config = json.dumps(_config(image, diffs)).encode()
        name = f"{hashlib.sha256(config).hexdigest()}.json"
        files[name] = config
        manifest.append({"Config": name, "RepoTags": list(image.names), "Layers": paths})
    return _tar({**files, "manifest.json": json.dumps(manifest).encode()})


def identity(image: Tiny) -> str:
    """The ID that the engine will give it."""
    layers = [_layer(number, text) for number, text in enumerate(image.layers)]
    diffs = [f"sha256:{hashlib.sha256(data).hexdigest()}" for data in layers]
    return f"sha256:{hashlib.sha256(json.dumps(_config(image, diffs)).encode()).hexdigest()}"


def _layer(number: int, text: str) -> bytes:
    return _tar({f"file-{number}": text.encode()})


def _tar(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


def _config(image: Tiny, diffs: Sequence[str]) -> dict[str, object]:
    return {
        "architecture": "amd64",
        "os": "linux",
        "created": image.created,
        "config": {"Cmd": ["/nothing"], "Labels": dict(image.labels)},
        "rootfs": {"type": "layers", "diff_ids": list(diffs)},
        "history": [{"created": image.created, "created_by": f"COPY file-{n} /"} for n, _ in enumerate(diffs)],
    }


def load(engine: Engine, images: Sequence[Tiny]) -> None:
    """Read to the end: the engine works while it answers."""
    loading: Any = engine.client.api.load_image  # the stubs know no types of it
    for _ in loading(archive(images)):
        pass


@contextlib.contextmanager
def removed_afterwards(engine: Engine, value: str) -> Iterator[None]:
    """Whatever carries this value of the test label goes at the end: containers first, then images."""
    try:
        yield
    finally:
        wanted = {"label": f"{TEST_LABEL}={value}"}
        for container in engine.client.api.containers(all=True, filters=wanted):
            engine.client.api.remove_container(container["Id"], force=True, v=True)
        if found := [image["Id"] for image in engine.client.api.images(all=True, filters=wanted)]:
            LocalRunner().run(Command(("docker", "image", "rm", "--force", *found), timeout=600))
