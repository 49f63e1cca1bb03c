"""What is on an engine, who needs it, and whether it would be removed: the values that `images` and `clean` share."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from builder.core.naming import shorten_id, sort_shortest_first

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.compose.model import ImageReferences
    from builder.engine.layers import ImageLayers

LABEL_PROTECT = "optbuild.protect"
"""On an image that must stay, with any value but ``false``, ``no``, ``0``."""


class RetentionReason(StrEnum):
    """What keeps an image, the strongest reason first; the last three keep nothing."""

    IN_USE = "in use"
    REFERENCED = "referenced"
    PROTECTED = "protected"
    KEPT = "kept for rollback"
    SUPERSEDED = "superseded"
    DANGLING = "dangling"
    UNUSED = "unused"


@dataclass(frozen=True)
class StoredImage:
    """One image of the engine."""

    layers: ImageLayers
    digests: tuple[str, ...] = ()
    """``name@sha256:…``, as registries know it."""
    parent: str = ""
    """ID of the image that the classic builder or ``docker commit`` made it from; empty: the engine knows none."""
    size: int | None = None
    """Bytes of all of its layers, as the engine adds them up; None: what it lists is another sum."""
    named_at: float = 0.0
    """When it last got a name, seconds since 1970; 0: never, or not asked."""
    has_set_date: bool = False
    """Its date was given to the build: it does not say when that was."""

    @property
    def id(self) -> str:
        return self.layers.id

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The shortest first: it says most, and is what the image is called wherever one name has to do."""
        return sort_shortest_first(self.layers.references)

    @property
    def came_at(self) -> float:
        """When it was made, seconds since 1970; where its date was set, when it got its name here."""
        return self.named_at if self.shows_name_time else self.layers.created

    @property
    def shows_name_time(self) -> bool:
        return self.has_set_date and self.named_at > 0

    @property
    def title(self) -> str:
        """One name for a person; without any, the digits of its ID that `docker images` shows."""
        return next(iter((*self.names, *self.digests)), shorten_id(self.id))

    @property
    def chains(self) -> tuple[str, ...]:
        return tuple(layer.chain for layer in self.layers.layers)


@dataclass(frozen=True)
class ImageUser:
    """One container, in whatever state. ``volumes``: names of the volumes that it mounts."""

    id: str
    name: str
    image_id: str
    image: str
    """As it was created from."""
    state: str
    project: str = ""
    """The compose project it belongs to; empty: none."""
    volumes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SupersededImage:
    """An image that an optimize put out of use. ``names``: those that the files gave it, and that may go with it."""

    image_id: str
    reason: str
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class UnfinishedRun:
    """A run that has not ended, in words, and the IDs that were there when it began: what is newer may be its own."""

    run: str
    known: frozenset[str]


@dataclass(frozen=True)
class StateSnapshot:
    """What state and journals say about this engine's images."""

    promoted: Mapping[str, str] = field(default_factory=dict)
    """Image ID → one promoted name."""
    superseded: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Project of ours → IDs that were promoted once and are not now, newest last."""
    kept: Mapping[str, str] = field(default_factory=dict)
    """Image ID → why a rollback needs it, which could not build it again."""
    replaced: Mapping[str, SupersededImage] = field(default_factory=dict)
    """Image ID → what an optimize replaced by another."""
    since: Mapping[str, float] = field(default_factory=dict)
    """Image ID → when it was put out of use, seconds since 1970."""
    busy: Mapping[str, str] = field(default_factory=dict)
    """Image ID → the unfinished run that may need it."""
    unfinished: tuple[UnfinishedRun, ...] = ()
    failed: frozenset[str] = frozenset()
    """Image IDs that a build made which has not ended, or not well."""
    doubts: tuple[str, ...] = ()
    """What could not be read: then nothing goes that only such a file could have named."""


@dataclass(frozen=True)
class RetentionRules:
    """What a person says. ``patterns``: pattern → the place that says it."""

    patterns: Mapping[str, str] = field(default_factory=dict)
    keep: int = 2
    """Superseded images of each project that stay for a rollback."""


@dataclass(frozen=True)
class InventorySnapshot:
    """Everything that decides about an image, read at one moment."""

    engine: str
    images: tuple[StoredImage, ...] = ()
    users: tuple[ImageUser, ...] = ()
    mentions: tuple[ImageReferences, ...] = ()
    remembered: StateSnapshot = field(default_factory=StateSnapshot)
    rules: RetentionRules = field(default_factory=RetentionRules)


@dataclass(frozen=True)
class RetentionDecision:
    """``reason`` says why, for a person."""

    standing: RetentionReason
    reason: str

    @property
    def stays(self) -> bool:
        return self.standing not in {RetentionReason.SUPERSEDED, RetentionReason.DANGLING, RetentionReason.UNUSED}


@dataclass(frozen=True)
class ImageRow:
    """One image. Bytes are unpacked; None: they are not known."""

    image: StoredImage
    verdict: RetentionDecision
    unpacked: int | None
    unique: int | None
    """Of layers that no other image has."""
    shared: int | None
    frees: int | None
    """What deleting this image, and no other, really gives back."""
    containers: tuple[ImageUser, ...] = ()
    projects: tuple[str, ...] = ()
    """Compose projects whose containers or files want it."""


@dataclass(frozen=True)
class Amount:
    """Bytes of several layers. ``untold``: so many images have some whose bytes the engine does not report; then it is
    at least ``known``."""

    known: int = 0
    unknown: int = 0

    @property
    def exact(self) -> int | None:
        return None if self.unknown else self.known


@dataclass(frozen=True)
class ImageTotals:
    """Of all images. ``real`` = ``unique`` + ``shared``, where each shared layer counts once."""

    images: int
    real: Amount
    unique: Amount
    shared: Amount
    apparent: Amount
    """What summing `docker images` says."""


@dataclass(frozen=True)
class Volume:
    """``bytes`` as the engine counts them, None: it did not say; ``users``: names of containers."""

    name: str
    bytes: int | None
    users: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()


@dataclass(frozen=True)
class BuildCache:
    """Of the engine's own builder. ``shared``: bytes that images hold too; ``idle``: what a prune could free."""

    bytes: int | None
    shared: int | None
    idle: int | None
    records: int | None


@dataclass(frozen=True)
class CacheCleanup:
    """What cleaning does to the cache of one builder, in bytes. ``freed`` None: nothing was done, or not measured."""

    builder: str
    idle: int | None
    exact: bool
    done: bool = False
    freed: int | None = None


@dataclass(frozen=True)
class LastOptimize:
    """True bytes of all images before and right after it; None: that run did not record them."""

    project: str
    at: float
    before: int | None
    after: int | None


@dataclass(frozen=True)
class Inventory:
    """What `optbuild images` shows."""

    engine: str
    rows: tuple[ImageRow, ...]
    totals: ImageTotals
    volumes: tuple[Volume, ...] | None
    """None: the engine did not say in time."""
    build_cache: BuildCache | None
    last_optimize: LastOptimize | None = None
    notes: tuple[str, ...] = ()
    hidden: int = 0
    """Rows that a filter left out; the totals are of all."""
