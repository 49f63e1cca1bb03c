"""Two locks → what a registry and a node will have to move, estimated before anything is built.

A layer is the same file in both images where its members, their files and its stamp are the same, on the same Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import Version

from builder.image.lock.changes import LockChanges, compare_bases, compare_versions
from builder.image.lock.layers.debian_layers import list_added_packages
from builder.image.lock.layers.groups import is_libraries
from builder.image.lock.layers.plan import list_layers
from builder.image.lock.layers.sizes import estimate_layer_bytes
from builder.image.lock.layers.table import LIBRARIES, LIBRARIES_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from builder.image.lock.model import DebianPackage, Distribution, Lock, PackageLayer

BASE, ADDED, ROOTFS = "Debian", "added Debian packages", "user, folders, entrypoint"
FOUNDATION = "the base image"
"""All its layers as one, of 0 bytes: a lock does not know how many they have compressed, and nobody pushes them again
to the registry that they were pulled from."""
_BASE_RATIO = 0.94
"""Compressed base layer by the .deb files of its packages: 37.3 of 39.6 MB in images/airflow (gzip -6, 2026-11-29)."""
_ROOTFS_BYTES = 4_350_000
"""Of the bytecode of the standard library almost alone; same source."""
_ADDED_RATIO = 1.23
"""Of what is added by its .deb files: 945 of 766 kB of gosu (gzip -6, 2026-11-30)."""
_ADDED_BYTES = 26_000
"""Of dpkg's list of all packages, which lies in the layer of the added ones again; same source."""
_STDLIB = "libpython3"
"""The Debian packages with the standard library begin so."""


@dataclass(frozen=True)
class MovedLayer:
    """A layer of the new image that the old one does not have. ``pushed``: its compressed bytes."""

    name: str
    pushed: int
    because: tuple[str, ...]
    """What moved in it: ``seaborn 0.12.2 -> 0.13.2``."""


@dataclass(frozen=True)
class LockMoves:
    """``layers``: how many the new image has. Bytes are compressed, and estimates."""

    layers: int
    moved: tuple[MovedLayer, ...]
    """Bottom first."""
    gone: tuple[MovedLayer, ...]
    """Layers that only the old image has, bottom first: nothing is pushed, but a node pulls what lay above them."""
    pulled: int
    """On a node with overlay2 that has the old image: the lowest layer that differs, and all above it."""
    whole: int
    """The new image."""
    changes: LockChanges
    """Of what is in the image, without what builds it."""

    @property
    def pushed(self) -> int:
        return sum(one.pushed for one in self.moved)


@dataclass(frozen=True)
class _ImageLayer:
    """``identity``: equal in two images where the layer is."""

    name: str
    identity: Hashable
    bytes: int
    members: frozenset[str]


def predict_moves(old: Lock, new: Lock) -> LockMoves:
    """What a push of the new image uploads where the old one is, and a pull of it downloads."""
    changes = LockChanges(
        compare_versions(old.python, new.python), compare_versions(old.runtime, new.runtime), compare_bases(old, new)
    )
    before, after = ([*_iterate_image_layers(lock)] for lock in (old, new))
    known = {layer.identity for layer in before}
    pairs = zip(before, after, strict=False)
    common = next((at for at, pair in enumerate(pairs) if pair[0].identity != pair[1].identity), len(before))
    moved = tuple(
        MovedLayer(layer.name, layer.bytes, _explain_move(layer, before, changes))
        for layer in after
        if layer.identity not in known
    )
    names = {layer.name for layer in after}
    gone = [layer for layer in before if layer.name not in names]
    return LockMoves(
        layers=len(after),
        moved=moved,
        gone=tuple(MovedLayer(layer.name, 0, _explain_move(layer, before, changes)) for layer in gone),
        pulled=sum(layer.bytes for layer in after[common:]),
        whole=sum(layer.bytes for layer in after),
        changes=changes,
    )


def _iterate_image_layers(lock: Lock) -> Iterator[_ImageLayer]:
    """Bottom first, as the Dockerfile copies them."""
    if lock.foundation is not None:
        yield _ImageLayer(FOUNDATION, lock.foundation.layers, 0, frozenset())
    added = list_added_packages(lock)
    standard = tuple(package for package in lock.runtime if package not in added)
    identity: Hashable = (lock.release, lock.platform, standard)
    yield _ImageLayer(BASE, identity, round(_count_bytes(standard) * _BASE_RATIO), _list_names(standard))
    if added:
        identity = (lock.release, lock.platform, lock.runtime)
        pushed = round(_count_bytes(added) * _ADDED_RATIO) + _ADDED_BYTES
        yield _ImageLayer(ADDED, identity, pushed, _list_names(lock.runtime))
    stdlib = tuple(package for package in lock.runtime if package.name.startswith(_STDLIB))
    python = None if lock.foundation is None else (lock.foundation.python, lock.foundation.python_path)
    identity = (lock.release, lock.platform, stdlib, python)
    yield _ImageLayer(ROOTFS, identity, _ROOTFS_BYTES, _list_names(stdlib))
    distributions = {one.name: one for one in lock.python}
    for layer in list_layers(lock):
        members = [(part, _identify_part(part, distributions)) for part in layer.members]
        yield _ImageLayer(
            layer.name,
            (identity, layer.stamp, tuple(members), _find_tools(layer, lock, distributions)),
            estimate_layer_bytes(layer, lock),
            frozenset(part.removesuffix(LIBRARIES_SUFFIX) for part in layer.members),
        )


def _count_bytes(packages: Iterable[DebianPackage]) -> int:
    return sum(one.size for one in packages)


def _list_names(packages: Iterable[DebianPackage]) -> frozenset[str]:
    return frozenset(package.name for package in packages)


def _identify_part(part: str, distributions: dict[str, Distribution]) -> Hashable:
    """The hash of its file; of libraries that patch releases keep, the first two numbers of the version."""
    name = part.removesuffix(LIBRARIES_SUFFIX)
    if is_libraries(part) and LIBRARIES[name]:
        return Version(distributions[name].version).release[:2]
    return distributions[name].sha256


def _find_tools(layer: PackageLayer, lock: Lock, distributions: dict[str, Distribution]) -> tuple[Distribution, ...]:
    """What a source among the members is built with."""
    has_source = any(distributions[part].kind == "sdist" for part in layer.members if part in distributions)
    return lock.build_requires if has_source else ()


def _explain_move(layer: _ImageLayer, before: list[_ImageLayer], changes: LockChanges) -> tuple[str, ...]:
    if layer.name == FOUNDATION:
        return (str(changes.base),) if changes.base is not None else ()
    members = layer.members.union(*(one.members for one in before if one.name == layer.name))
    changed = changes.debian if layer.name in {BASE, ADDED, ROOTFS} else changes.python
    return tuple(str(one) for one in changed if one.name in members)
