"""A registry on 127.0.0.1 that serves the stand-ins, so that a digest, a pull and a moved tag are real."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plain_images import MANIFEST, PlainImage, make_digest, push_manifest, push_plain_image, read_manifest
from registry import start_registry
from stand_ins import StandIn, ensure_stand_in, find_cache, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from registry import Registry

BLOBS = "docker/registry/v2/blobs"


@dataclass(frozen=True)
class StandInRegistry:
    """What is pushed to it is there while it runs; its layers are kept, so that the next run compresses none again."""

    registry: Registry

    @property
    def address(self) -> str:
        """host:port"""
        return self.registry.address

    def publish(self, stand_in: StandIn, repository: str | None = None, tag: str | None = None) -> str:
        """``127.0.0.1:PORT/stand-in/python:3.11-slim-bookworm``, or under the name that a test wants.

        The engine forgets that name again, not the layers.
        """
        where = f"{self.address}/{repository or stand_in.repository}:{tag or stand_in.tag}"
        run(("docker", "tag", ensure_stand_in(stand_in), where))
        try:
            run(("docker", "push", "--quiet", where))
        finally:
            run(("docker", "rmi", "--no-prune", where))
        _keep_blobs(self.registry.folder / "data", find_cache() / "registry")
        return where

    def publish_plain(self, image: PlainImage, tag: str = "latest") -> str:
        push_plain_image(self.address, image, tag)
        return f"{self.address}/{image.repository}:{tag}"

    def move_tag(self, repository: str, tag: str, source: str) -> str:
        """Let ``tag`` name what ``source``, a tag or a digest of the same repository, names. Gives the digest."""
        return push_manifest(self.address, repository, tag, read_manifest(self.address, repository, source), MANIFEST)

    def read_digest(self, repository: str, tag: str) -> str:
        """``sha256:...`` of what the tag names now."""
        return make_digest(read_manifest(self.address, repository, tag))


@contextlib.contextmanager
def serve_stand_ins(folder: Path) -> Iterator[StandInRegistry]:
    """An empty registry with its data below ``folder``, and the layers that earlier runs pushed."""
    _keep_blobs(find_cache() / "registry", folder / "data")
    with start_registry(folder) as registry:
        served = StandInRegistry(registry)
        try:
            yield served
        finally:
            forget_pulled(served.address)


def forget_pulled(address: str) -> None:
    """Remove the names that were pulled from ``address``; the layers stay where another image has them."""
    template = "{{.Repository}}@{{.Digest}} {{.Repository}}:{{.Tag}}"
    listing = run(("docker", "images", "--digests", f"--format={template}"))
    names = {name for name in listing.split() if name.startswith(f"{address}/") and not name.endswith("<none>")}
    for name in sorted(names, reverse=True):  # a tag goes before the digest that it shares an image with
        with contextlib.suppress(RuntimeError):  # gone with its other name
            run(("docker", "rmi", name))


def _keep_blobs(source: Path, target: Path) -> None:
    """Hard links of all blobs; nothing ever writes into one, so two registries can share them."""
    if not (source / BLOBS).exists():
        return
    target.mkdir(parents=True, exist_ok=True)
    with (target / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for data in (source / BLOBS).glob("sha256/*/*/data"):
            kept = target / data.relative_to(source)
            if not kept.exists():
                kept.parent.mkdir(parents=True, exist_ok=True)
                part = kept.with_name(f".{os.getpid()}")
                shutil.copyfile(data, part) if not _link(data, part) else None
                part.replace(kept)


def _link(source: Path, target: Path) -> bool:
    """False where the two are on different file systems."""
    try:
        os.link(source, target)
    except OSError:
        return False
    return True
