"""One layer of an archive → its entries, and the few texts that say who owns them. Other bytes only pass by."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from builder.core.elf import is_elf
from builder.core.errors import BadImageArchiveError
from builder.core.file_secrets import MAX_BYTES
from builder.engine.tarstream import escape_unprintable, normalize_entry_path
from builder.inspect.model import EntryKind, LayerContent, LayerEntry
from builder.inspect.packages.metadata_files import is_kept_file, trim_to_headers
from builder.inspect.recognize import HEAD_BYTES, recognize_file
from builder.inspect.symbols import SymbolCounter

if TYPE_CHECKING:
    import tarfile

    from builder.engine.archive import ArchivedLayer
    from builder.engine.chunks import Chunk
    from builder.inspect.model import RecognizedFile

MAX_ENTRY_BYTES = 200 << 20
"""What the entries of one layer may take in memory. Half a million files with usual names do."""
MAX_TEXT_BYTES = 64 << 20
_ENTRY_BYTES = 300
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_OWN = ".wh..wh."
"""Book-keeping of a storage driver (aufs) that engines leave out when they unpack."""


def read_layer(layer: ArchivedLayer) -> LayerContent:
    """Reads the layer to its end. Raises BadImageArchiveError, also for one that would not fit into memory."""
    reader = _LayerReader(layer)
    for member in layer.iterate_members():
        reader.add(member)
    layer.finish()
    return LayerContent(layer.diff, layer.tar_bytes, tuple(reader.entries), reader.collect_texts(), reader.recognized)


class _LayerReader:
    def __init__(self, layer: ArchivedLayer) -> None:
        self._layer = layer
        self.entries: list[LayerEntry] = []
        self.recognized: dict[str, RecognizedFile] = {}
        self._texts: dict[str, bytes] = {}
        self._linked_texts: dict[str, str] = {}
        self._entry_bytes = 0
        self._text_bytes = 0

    def add(self, member: tarfile.TarInfo) -> None:
        path = normalize_entry_path(member.name)
        self._entry_bytes += _ENTRY_BYTES + len(path) + len(member.linkname)
        if self._entry_bytes > MAX_ENTRY_BYTES:
            raise BadImageArchiveError(
                f"layer {self._layer.name} has more than {len(self.entries)} entries",
                hint="no known program makes such layers; if it is yours, split it into several",
            )
        self.entries.append(self._make_entry(member, path))

    def collect_texts(self) -> dict[str, bytes]:
        """Also those that are a further name of a kept one: installers link files that they keep in a cache."""
        linked = {path: self._texts[link] for path, link in self._linked_texts.items() if link in self._texts}
        return {**self._texts, **linked}

    def _make_entry(self, member: tarfile.TarInfo, path: str) -> LayerEntry:
        folder, _, name = path.rpartition("/")
        mode, uid, gid = member.mode & 0o7777, member.uid, member.gid
        if name.startswith(_WHITEOUT):
            return LayerEntry(*_parse_whiteout(folder or "/", name), 0, mode, uid, gid)
        if member.isfile():
            return self._make_file_entry(member, path)
        if member.isdir():
            return LayerEntry(path, EntryKind.FOLDER, 0, mode, uid, gid)
        if member.issym():
            return LayerEntry(path, EntryKind.SYMLINK, 0, mode, uid, gid, escape_unprintable(member.linkname))
        if member.islnk():
            link = normalize_entry_path(member.linkname)
            if is_kept_file(path):
                self._linked_texts[path] = link
            return LayerEntry(path, EntryKind.HARDLINK, 0, mode, uid, gid, link)
        return LayerEntry(path, EntryKind.OTHER, 0, mode, uid, gid)

    def _make_file_entry(self, member: tarfile.TarInfo, path: str) -> LayerEntry:
        digest, symbols = (self._keep_text(member, path), 0) if is_kept_file(path) else self._digest_file(member, path)
        return LayerEntry(
            path, EntryKind.FILE, member.size, member.mode & 0o7777, member.uid, member.gid, "", digest, symbols
        )

    def _keep_text(self, member: tarfile.TarInfo, path: str) -> str:
        """The digest of a file that is kept."""
        self._text_bytes += member.size
        if self._text_bytes > MAX_TEXT_BYTES:
            raise BadImageArchiveError(
                f"layer {self._layer.name} has more than {MAX_TEXT_BYTES} bytes of files like {path}"
            )
        data = b"".join(self._layer.iterate_data(member))
        self._texts[path] = trim_to_headers(path, data)
        return hashlib.sha256(data).hexdigest() if data else ""

    def _digest_file(self, member: tarfile.TarInfo, path: str) -> tuple[str, int]:
        """Of a file that only passes by: its sha256, and how many bytes of it are symbols."""
        if not member.size:
            return "", 0
        pieces = self._layer.iterate_data(member)
        is_small = member.size <= MAX_BYTES
        head: Chunk = next(pieces)
        while len(head) < (member.size if is_small else HEAD_BYTES):  # it may be cut anywhere
            head = bytes(head) + bytes(next(pieces))
        beginning = bytes(head if is_small else head[:HEAD_BYTES])
        hashed = hashlib.sha256(head)
        counter = SymbolCounter(head) if is_elf(beginning[:4]) else None
        for piece in pieces:
            hashed.update(piece)
            if counter is not None:
                counter.add(piece)
        digest = hashed.hexdigest()
        found = recognize_file(path, beginning, is_whole=is_small)
        if found is not None:
            self.recognized[digest] = found
        return digest, counter.count() if counter is not None else 0


def _parse_whiteout(folder: str, name: str) -> tuple[str, EntryKind]:
    """What a name with the prefix means; one that hides no path of its folder is only counted."""
    if name == _OPAQUE:
        return folder, EntryKind.OPAQUE
    hidden = name.removeprefix(_WHITEOUT)
    place = folder.rstrip("/")
    if name.startswith(_OWN) or hidden in {"", ".", ".."}:
        return f"{place}/{name}", EntryKind.OTHER
    return f"{place}/{hidden}", EntryKind.WHITEOUT
