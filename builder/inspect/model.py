"""An image as values: what its layers hold, who owns each file, what is waste. All bytes are unpacked bytes.

A reader makes an :class:`ImageContent`; the analysis turns it into an :class:`Inspection`; reports show that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class EntryKind(StrEnum):
    """What an entry of a layer is. One letter each, because caches hold tens of thousands of them."""

    FILE = "f"
    FOLDER = "d"
    SYMLINK = "l"
    HARDLINK = "h"
    """A further name of a file of the same layer; ``link`` is that file's path."""
    WHITEOUT = "w"
    """Deletes ``path`` of the layers below (OCI image specification, ``layer.md``, "Whiteouts")."""
    OPAQUE = "o"
    """Deletes everything that the layers below have in the folder ``path``."""
    OTHER = "x"
    """A device, a pipe: never made, only counted."""


class LayerEntry(NamedTuple):
    """One entry of one layer. A tuple, because an image has 50,000 of them and each is read back from a cache."""

    path: str
    """Absolute and normalised; of a whiteout, the path that it hides."""
    kind: EntryKind
    size: int = 0
    """Bytes of a regular file; 0 for everything else."""
    mode: int = 0
    uid: int = 0
    gid: int = 0
    link: str = ""
    digest: str = ""
    """sha256 of a regular file's bytes, hexadecimal; empty for everything else and for files without bytes."""
    symbols: int = 0
    """Bytes of an ELF file that only a debugger reads: ``.symtab``, its strings, ``.debug_*``."""


class FileKind(StrEnum):
    """What the bytes of a file say that it is, wherever it lies."""

    SECRET = "secret"  # noqa: S105 - a kind of file
    CORE_DUMP = "core"
    DATABASE = "database"


class RecognizedFile(NamedTuple):
    """``what``: in words, never the secret itself. ``md5``: hexadecimal, of a secret's file, to find it published."""

    kind: FileKind
    what: str
    md5: str = ""


@dataclass(frozen=True)
class LayerContent:
    """One layer, whatever is built on it. It is the same wherever its diff ID is the same, so it can be cached."""

    diff: str
    """``sha256:...`` over the uncompressed tar."""
    tar_bytes: int
    entries: tuple[LayerEntry, ...] = field(repr=False)
    """In the order of the tar; where a path comes twice the last one counts, as when it is unpacked."""
    texts: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Path → bytes of the few files that say who owns the others: RECORD, METADATA, dpkg's status and lists."""
    recognized: Mapping[str, RecognizedFile] = field(default_factory=dict, repr=False)
    """sha256 of a file, as its entry has it → what it is. Few files are anything of that kind."""

    @cached_property
    def bytes(self) -> int:
        """Of its regular files, each name once. A whiteout says nothing of the file of its own layer."""
        whiteout, opaque = EntryKind.WHITEOUT, EntryKind.OPAQUE
        return sum({e.path: e.size for e in self.entries if e.kind is not whiteout and e.kind is not opaque}.values())


@dataclass(frozen=True)
class ImageContent:
    """One image with all that its layers hold."""

    id: str
    references: tuple[str, ...]
    platform: str
    """``linux/amd64``"""
    created: float | None
    """Seconds since 1970, as the image says."""
    labels: Mapping[str, str] = field(repr=False)
    layers: tuple[LayerContent, ...]
    """Oldest first."""
    chains: tuple[str, ...]
    """Chain ID of each layer."""
    instructions: tuple[str, ...]
    """What made each layer, on one line; values of build arguments are masked. Empty where the image does not say."""
    base_layers: int = 0
    """How many of the lowest layers are those of the base image; 0: it has none, or which one is not known."""
    base_name: str = ""
    base_why: str = ""
    """Why that image counts as the base, or none does, as a sentence without a full stop."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The variables that a container starts with."""
    start: tuple[str, ...] = field(default=(), repr=False)
    """Its entrypoint and command, in words."""


class PackageKey(NamedTuple):
    """``name`` is normalised (PEP 503) for Python."""

    kind: Literal["python", "debian"]
    name: str


@dataclass(frozen=True)
class Package:
    """A Python distribution or a Debian package that a person sees when the image runs."""

    key: PackageKey
    version: str
    bytes: int
    """Of the files that it owns and that no later layer hides; bytecode made from them is theirs too."""
    files: int
    layer: int
    """Index of the layer that holds most of it."""
    architecture: str = ""
    folder: str = ""
    """Where a Python distribution is: its ``site-packages``."""
    requires: tuple[str, ...] = ()
    """Names (normalised) of the packages here that it depends on."""
    asked_for: bool = False
    """Somebody wanted it by name: the spec, or its installer's REQUESTED file, or dpkg's manual mark."""


@dataclass(frozen=True)
class LayerSummary:
    """One layer for a table."""

    diff: str
    chain: str
    instruction: str
    bytes: int
    tar_bytes: int
    files: int
    hidden: int
    """Bytes of it that a later layer replaces or deletes: they are stored and pulled, and nobody can read them."""
    from_base: bool
    bytecode: int = 0
    """Bytes of it that are compiled Python: made from other files of the image, so that no start has to make them."""


@dataclass(frozen=True)
class FolderSize:
    """A folder and everything below it, as the running image shows it."""

    path: str
    bytes: int
    files: int


class WastedFile(NamedTuple):
    """``bytes`` may be a part of the file (its symbols)."""

    layer: int
    path: str
    bytes: int


@dataclass(frozen=True)
class Waste:
    """One kind of waste at one place. Of the base's own layers only a secret that can still be read is part of it."""

    code: str
    """``OB4xx`` of :mod:`builder.findings.catalog`."""
    message: str
    """What it is, with the names at hand."""
    fix: str
    """The change that avoids it."""
    files: tuple[WastedFile, ...] = field(repr=False)
    """Largest first. No byte is part of two wastes: the more precise one has it."""
    layer: int | None = None
    """Index of the layer whose instruction has to change; None: several."""

    @cached_property
    def bytes(self) -> int:
        """What the image would be smaller by."""
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True)
class PrunedFiles:
    """What one rule of ``[slim]`` (:mod:`builder.core.slim_rules`) took from one package before the image was made."""

    rule: str
    package: str | None
    """The normalized name of a distribution; None: Debian's packages."""
    files: int
    bytes: int
    """Unpacked; of symbols, what the files lost."""


@dataclass(frozen=True)
class Inspection:
    """Everything that is reported about one image."""

    content: ImageContent = field(repr=False)
    bytes: int
    """Of all layers: what it takes on a disk that has none of them."""
    visible_bytes: int
    """Of the files that a running container sees."""
    layers: tuple[LayerSummary, ...]
    packages: tuple[Package, ...]
    """Largest first."""
    owners: Mapping[str, PackageKey] = field(repr=False)
    """Visible path of a file → whose it is; what is missing here belongs to nobody."""
    folders: tuple[FolderSize, ...]
    """Largest first; ``/`` is the first."""
    unowned: FolderSize
    """All visible files without an owner; ``path`` is ``/``."""
    unowned_folders: tuple[FolderSize, ...]
    """Where they are, largest first."""
    waste: tuple[Waste, ...]
    """Errors first, then largest first."""
    pruned: tuple[PrunedFiles, ...] = ()
    """Largest first. Nothing of it is in the image."""

    @cached_property
    def waste_bytes(self) -> int:
        return sum(waste.bytes for waste in self.waste)

    @cached_property
    def bytecode_bytes(self) -> int:
        """Of all layers; part of ``bytes``."""
        return sum(layer.bytecode for layer in self.layers)

    @cached_property
    def added_layers(self) -> tuple[LayerSummary, ...]:
        """Those above the base's; all where no base is known."""
        return tuple(layer for layer in self.layers if not layer.from_base)


@dataclass(frozen=True)
class BudgetResult:
    """One limit of a budget, and whether the image keeps it. ``actual`` and ``limit`` are in ``unit``."""

    name: str
    """The key that set the limit: ``budget.waste-percent``, ``.dive-ci highestWastedBytes``."""
    passed: bool
    actual: float
    limit: float
    text: str
    """``12 MB of at most 10 MB``, with what else there is to say."""
    unit: Literal["bytes", "percent", "ratio"] = "bytes"
