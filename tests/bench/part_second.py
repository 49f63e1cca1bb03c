"""Another project of the same versions: of what it pushes, the layers that hold nothing the first project lacks."""

from __future__ import annotations

import re
import tarfile
from typing import TYPE_CHECKING, Any

from bench import OURS
from packaging.utils import canonicalize_name
from part_transfer import REPOSITORY, push_whole

from builder.image.lock.document import read_lock
from images import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bench import Bench

    from builder.image.lock.model import Lock

PART = "second"
_INFO = re.compile(r"site-packages/([^/]+)-([^/-]+)\.dist-info/")
_LIBRARIES = re.compile(r"site-packages/([^/]+)\.libs/")


def run(bench: Bench) -> None:
    bench.record(PART, OURS, 0, lambda: measure(bench))


def measure(bench: Bench) -> dict[str, Any]:
    """Bytes of layers: all that were pushed, and those that the first project should have spared."""
    push_whole(bench)
    folder = bench.ours.bump(SECOND)
    own = list_own_parts(read_lock(folder / "optbuild.lock"), bench.ours.lock)
    result = bench.ours.build(folder)
    registry = bench.session.registry
    known = {digest for digest, _ in registry.read_layers(REPOSITORY, "1")}
    bench.session.push(str(result["image_id"]), REPOSITORY, PART)
    _, *layers = registry.read_layers(REPOSITORY, PART)  # the first one is the configuration, which is a project's own
    pushed = [(digest, size) for digest, size in layers if digest not in known]
    unexpected = [size for digest, size in pushed if not own & list_parts(registry.find_blob(digest))]
    return {"pushed": sum(size for _, size in pushed), "unexpected": sum(unexpected), "layers": len(unexpected)}


def list_parts(blob: Path) -> set[str]:
    """Of a layer: ``name==version`` of the distributions and ``name.libs`` of the bundled libraries in it."""
    with tarfile.open(blob) as archive:
        return find_parts(member.name for member in archive)


def find_parts(paths: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        if info := _INFO.search(path):
            found.add(f"{canonicalize_name(info[1])}=={info[2]}")
        if libraries := _LIBRARIES.search(path):
            found.add(f"{canonicalize_name(libraries[1])}.libs")
    return found


def list_own_parts(second: Lock, first: Lock) -> set[str]:
    """What only the second one has, as :func:`find_parts` names it."""
    both = {(one.name, one.version) for one in first.python}
    own = [one for one in second.python if (one.name, one.version) not in both]
    return {f"{one.name}=={one.version}" for one in own} | {f"{one.name}.libs" for one in own}
