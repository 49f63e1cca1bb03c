"""What layers hold, kept between runs by diff ID, so that no layer is read twice.

One file per layer: the digest of all that follows, a line of JSON that describes it, columns of entries, the texts.
Columns, because tens of thousands of entries are to be there in a tenth of a second. A file that is not exactly what
was written is not used: other version, other owner, other digest. Losing the folder costs only time. The line of JSON
is read by hand: the digest says that we wrote it, and it is read once for each layer.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
import sys
import tempfile
import time
from array import array
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.core.files import make_private_folder
from builder.inspect.model import EntryKind, FileKind, LayerContent, LayerEntry, RecognizedFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FORMAT = "optbuild layer"
VERSION = 6
"""Raised whenever what is read of a layer changes, or how it is written."""
MAX_BYTES = 400_000_000
MAX_LAYERS = 1000
_STALE_SECONDS = 3600
"""After which a half-written file is no longer in use."""
_DIFF = re.compile(r"sha256:([0-9a-f]{64})")
_KINDS = {str(kind): kind for kind in EntryKind}
_NUMBER = "q"
"""Eight bytes each (``array``). A layer with larger ones is forged, and not kept."""
_UNUSABLE = (OSError, ValueError, KeyError, TypeError, RecursionError)
_TEMPORARY = ".part-"


class LayerCache:
    """The folder ``layers`` below ``$XDG_CACHE_HOME/optbuild``. Nothing here ever raises because of its files."""

    def __init__(self, folder: Path, *, max_bytes: int = MAX_BYTES, max_layers: int = MAX_LAYERS) -> None:
        self.folder = folder / "layers"
        self._max_bytes = max_bytes
        self._max_layers = max_layers

    def load(self, diffs: Iterable[str]) -> dict[str, LayerContent]:
        """Those that are here and whole, by diff ID. They count as used now."""
        found = {}
        for diff in dict.fromkeys(diffs):
            path = self._find_file_path(diff)
            content = None if path is None else _read_layer_file(path, diff)
            if path is not None and content is not None:
                found[diff] = content
                with contextlib.suppress(OSError):
                    os.utime(path)
        return found

    def store(self, content: LayerContent) -> None:
        """Keep it, and make room: the layers go first that were not used for longest."""
        path = self._find_file_path(content.diff)
        if path is None:
            return
        with contextlib.suppress(OSError, OverflowError):  # a full disk: the next look takes as long as this one
            make_private_folder(self.folder)
            _write_layer_file(path, serialize_layer(content))
            self._make_room()

    def _find_file_path(self, diff: str) -> Path | None:
        found = _DIFF.fullmatch(diff)
        return self.folder / found[1] if found else None

    def _make_room(self) -> None:
        kept = count = 0
        listed = [(entry.stat(follow_symlinks=False), entry) for entry in os.scandir(self.folder)]
        for status, entry in sorted(listed, key=lambda pair: pair[0].st_mtime, reverse=True):
            if entry.name.startswith(_TEMPORARY):
                too_much = time.time() - status.st_mtime > _STALE_SECONDS
            else:
                kept, count = kept + status.st_size, count + 1
                too_much = kept > self._max_bytes or count > self._max_layers
            if too_much:
                Path(entry.path).unlink(missing_ok=True)


def serialize_layer(content: LayerContent) -> bytes:
    """The bytes of its file. Raises OverflowError for a number that no real layer has."""
    texts = tuple(content.texts.items())
    columns = _make_columns(content.entries)
    head = {
        "format": FORMAT,
        "version": VERSION,
        "order": sys.byteorder,
        "diff": content.diff,
        "tar_bytes": content.tar_bytes,
        "columns": [len(column) for column in columns],
        "texts": [[path, len(data)] for path, data in texts],
        "recognized": [[digest, *found] for digest, found in content.recognized.items()],
    }
    data = b"".join((json.dumps(head).encode(), b"\n", *columns, *(text for _, text in texts)))
    return hashlib.sha256(data).hexdigest().encode() + b"\n" + data


def parse_layer(data: bytes, diff: str) -> LayerContent | None:
    """A file's layer; None, or one of ``_UNUSABLE``, when :func:`serialize_layer` did not write it for ``diff``."""
    if data[:64] != hashlib.sha256(memoryview(data)[65:]).hexdigest().encode() or data[64:65] != b"\n":
        return None
    at = data.index(b"\n", 65) + 1
    head: dict[str, Any] = json.loads(data[65:at])
    if (head["format"], head["version"], head["order"], head["diff"]) != (FORMAT, VERSION, sys.byteorder, diff):
        return None
    columns = []
    for size in head["columns"]:
        columns.append(data[at : at + size])
        at += size
    texts = {}
    for path, size in head["texts"]:
        texts[str(path)] = data[at : at + size]
        at += size
    recognized = {
        str(digest): RecognizedFile(FileKind(kind), str(what), str(md5))
        for digest, kind, what, md5 in head["recognized"]
    }
    return LayerContent(diff, int(head["tar_bytes"]), _parse_entries(columns), texts, recognized)


def _make_columns(entries: Sequence[LayerEntry]) -> tuple[bytes, ...]:
    """Texts are separated by a zero byte, which none here holds: control characters are escaped in them."""
    if not entries:
        return ()
    paths, kinds, sizes, modes, uids, gids, links, digests, symbols = zip(*entries, strict=True)
    texts = ["\0".join(column).encode() for column in (paths, links, digests)]
    numbers = [array(_NUMBER, column).tobytes() for column in (sizes, modes, uids, gids, symbols)]
    return ("".join(kinds).encode(), *texts, *numbers)


def _parse_entries(columns: Sequence[bytes]) -> tuple[LayerEntry, ...]:
    """Made without calling Entry, which takes four times as long. Raises ValueError when a column is too short."""
    if not columns:
        return ()
    kinds = map(_KINDS.__getitem__, columns[0].decode())
    paths, links, digests = (column.decode().split("\0") for column in columns[1:4])
    sizes, modes, uids, gids, symbols = (_read_numbers(column) for column in columns[4:9])
    rows = zip(paths, kinds, sizes, modes, uids, gids, links, digests, symbols, strict=True)
    return tuple(map(partial(tuple.__new__, LayerEntry), rows))


def _read_numbers(column: bytes) -> list[int]:
    found = array(_NUMBER)
    found.frombytes(column)
    return found.tolist()


def _read_layer_file(path: Path, diff: str) -> LayerContent | None:
    """None where there is none, or it cannot be used."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
                return None
            return parse_layer(stream.read(), diff)
    except _UNUSABLE:
        return None


def _write_layer_file(path: Path, data: bytes) -> None:
    """In one step. Without waiting for the disk: what a crash leaves has another digest, and is read again."""
    descriptor, name = tempfile.mkstemp(prefix=_TEMPORARY, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
