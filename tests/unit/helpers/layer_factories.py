"""Images made of a few entries, for tests of the analysis: packages with their records, layers over layers."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from builder.engine.layers import compute_chain_ids
from builder.inspect.analyse import analyze_image
from builder.inspect.machine import UNKNOWN, Machine
from builder.inspect.model import (
    EntryKind,
    FileKind,
    ImageContent,
    Inspection,
    LayerContent,
    LayerEntry,
    RecognizedFile,
    Waste,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SITE = "/opt/venv/lib/python3.11/site-packages"
Part: TypeAlias = "LayerEntry | RecognizedEntry | tuple[str, bytes] | list[Part]"
"""An entry, one whose bytes the reader recognized, a text with its path (a file that it keeps), or several of those."""


class RecognizedEntry(NamedTuple):
    entry: LayerEntry
    found: RecognizedFile


def file(
    path: str, size: int = 1000, *, text: str = "", mode: int = 0o644, uid: int = 0, symbols: int = 0
) -> LayerEntry:
    """A regular file; equal ``text`` (else: path) and size are equal bytes."""
    digest = hashlib.sha256(f"{text or path}/{size}".encode()).hexdigest() if size else ""
    return LayerEntry(path, EntryKind.FILE, size, mode, uid, 0, "", digest, symbols)


def recognized(entry: LayerEntry, kind: FileKind, what: str = "something", md5: str = "") -> RecognizedEntry:
    return RecognizedEntry(entry, RecognizedFile(kind, what, md5))


def secret(path: str, size: int = 60, *, text: str = "", uid: int = 0, md5: str = "") -> RecognizedEntry:
    """A file with a private key in it."""
    return recognized(file(path, size, text=text, uid=uid), FileKind.SECRET, "a private key", md5)


def folder(path: str) -> LayerEntry:
    return LayerEntry(path, EntryKind.FOLDER, mode=0o755)


def gone(path: str) -> LayerEntry:
    return LayerEntry(path, EntryKind.WHITEOUT)


def symlink(path: str, target: str) -> LayerEntry:
    return LayerEntry(path, EntryKind.SYMLINK, link=target)


def hardlink(path: str, target: str) -> LayerEntry:
    return LayerEntry(path, EntryKind.HARDLINK, link=target)


def layer(*parts: Part) -> LayerContent:
    entries: list[LayerEntry] = []
    texts: dict[str, bytes] = {}
    found: dict[str, RecognizedFile] = {}
    for part in _flat(parts):
        if isinstance(part, LayerEntry):
            entries.append(part)
        elif isinstance(part, RecognizedEntry):
            entries.append(part.entry)
            found[part.entry.digest] = part.found
        else:
            path, text = part
            texts[path] = text
            entries.append(LayerEntry(path, EntryKind.FILE, len(text), 0o644, digest=hashlib.sha256(text).hexdigest()))
    diff = f"sha256:{hashlib.sha256(repr(entries).encode()).hexdigest()}"
    return LayerContent(diff, 1024, tuple(entries), texts, found)


def _flat(parts: Iterable[Part]) -> Iterator[LayerEntry | RecognizedEntry | tuple[str, bytes]]:
    for part in parts:
        if isinstance(part, list):
            yield from _flat(part)
        else:
            yield part


def content(*layers: LayerContent, base: int = 0, labels: Mapping[str, str] | None = None) -> ImageContent:
    chains = compute_chain_ids([one.diff for one in layers])
    words = tuple(f"RUN step {number}" for number in range(len(layers)))
    return ImageContent(
        "sha256:" + "a" * 64, ("shop:latest",), "linux/amd64", None, labels or {}, layers, chains, words, base, "below"
    )


def inspected(
    *layers: LayerContent,
    base: int = 0,
    asked_for: Iterable[str] = (),
    machine: Machine = UNKNOWN,
    labels: Mapping[str, str] | None = None,
) -> Inspection:
    return analyze_image(content(*layers, base=base, labels=labels), asked_for, machine)


def distribution(
    name: str,
    *files: LayerEntry,
    version: str = "1.0",
    requires: Iterable[str] = (),
    site: str = SITE,
    requested: bool = False,
    listed: Iterable[str] = (),
) -> list[Part]:
    """An installed wheel with its ``files``; ``listed``: further lines of RECORD."""
    info = f"{site}/{name}-{version}.dist-info"
    header = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata = header + "".join(f"Requires-Dist: {one}\n" for one in requires)
    paths = [one.path.removeprefix(f"{site}/") for one in files]
    own = [f"{name}-{version}.dist-info/{one}" for one in ("METADATA", "RECORD")]
    record = "".join(f"{path},sha256=x,1\n" for path in [*paths, *listed, *own])
    made: list[Part] = [*files, (f"{info}/METADATA", metadata.encode()), (f"{info}/RECORD", record.encode())]
    return [*made, (f"{info}/REQUESTED", b"")] if requested else made


def status(*packages: str, **fields: str) -> str:
    """Stanzas of dpkg's status file for installed packages (``name`` or ``name: dep, dep``)."""
    stanzas = []
    for package in packages:
        name, _, depends = package.partition(": ")
        lines = [f"Package: {name}", "Status: install ok installed", "Architecture: amd64", "Version: 1.2-3"]
        lines += [f"Depends: {depends}"] if depends else []
        lines += [f"{key}: {value}" for key, value in fields.items()]
        stanzas.append("\n".join(lines) + "\n")
    return "\n".join(stanzas)


def debian(name: str, *files: LayerEntry, listed: Iterable[str] = ()) -> list[Part]:
    """The files of a package and its list; the status file is one for all, see :func:`dpkg_status`."""
    lines = ["/.", *(one.path for one in files), *listed]
    return [*files, (f"/var/lib/dpkg/info/{name}.list", ("\n".join(lines) + "\n").encode())]


def dpkg_status(text: str) -> Part:
    return ("/var/lib/dpkg/status", text.encode())


def waste(found: Inspection, code: str) -> list[Waste]:
    return [one for one in found.waste if one.code == code]


def wasted(found: Inspection, code: str) -> dict[str, int]:
    """Path → bytes of all waste of a code."""
    return {file.path: file.bytes for one in waste(found, code) for file in one.files}
