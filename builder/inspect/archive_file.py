"""What a file is that somebody took for an archive with an image, and what to do with it instead.

Beginnings of files: each format's own specification (RFC 1952, RFC 8878, the .xz and bzip2 formats, PKWARE's APPNOTE,
CycloneDX, SPDX, the OCI image layout).
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, NamedTuple

from builder.core.elf import MAGIC
from builder.core.errors import BadImageArchiveError, NotAnImageArchiveError, OptbuildError
from builder.core.naming import LOCK_FILE, SPEC_FILE
from builder.core.phrases import format_short_list
from builder.engine.archive import GZIP, ZSTD, decompress_archive, is_tar
from builder.engine.tarstream import TarStream

if TYPE_CHECKING:
    from pathlib import Path

_HEAD_BYTES = 64 << 10
_HEADER_BYTES = 512
_MOST_ENTRIES = 200
"""Of an archive without an image: what lies in it shows in the first ones."""
_SAVE = "`docker save --output FILE IMAGE` writes an archive; or name the image"
_PACKED = ((b"\xfd7zXZ\0", "xz"), (b"BZh", "bzip2"))
_BINARY = (
    (MAGIC, "a program or a library"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"%PDF-", "a PDF document"),
)
_ROOT_FOLDERS = frozenset({".dockerenv", "bin", "boot", "dev", "etc", "home", "lib", "root", "sbin", "usr", "var"})
_ROOT_ENOUGH = 3


class _Kind(NamedTuple):
    """``what`` completes "FILE is"; ``step``: the next one."""

    what: str
    step: str


class _TextKind(NamedTuple):
    name: re.Pattern[str]
    text: re.Pattern[str]
    kind: _Kind


def _make_text_kind(name: str, text: str, what: str, step: str) -> _TextKind:
    return _TextKind(re.compile(name, re.IGNORECASE), re.compile(text, re.MULTILINE), _Kind(what, step))


_ANY = r""
_INSPECT_IT = "name the image itself: `optbuild inspect IMAGE`"
_TEXTS = (
    _make_text_kind(
        _ANY, r"\Aversion https://git-lfs", "a pointer of Git LFS to the file", "`git lfs pull` fetches the file itself"
    ),
    _make_text_kind(
        _ANY,
        r"\A\s*<(?:!DOCTYPE html|html)",
        "a web page",
        "the download got an error or a login instead of the file: look into it, and load it once more",
    ),
    _make_text_kind(
        _ANY,
        r'"bomFormat"\s*:\s*"CycloneDX"|"spdxVersion"\s*:|"SPDXID"|\ASPDXVersion:|<bom\s',
        "a bill of materials (SBOM)",
        f"it lists packages and has no layers; {_INSPECT_IT}; `optbuild inspect IMAGE --sbom cyclonedx` writes one",
    ),
    _make_text_kind(
        _ANY,
        r'"mediaType"\s*:\s*"application/vnd\.(?:oci|docker)\.|"schemaVersion"\s*:\s*2|\A\s*\[\s*\{\s*"(?:Config|Id)"\s*:',
        "the manifest or the description of an image, without its layers",
        _SAVE,
    ),
    _make_text_kind(
        rf"(?:^|/){re.escape(SPEC_FILE)}$",
        _ANY,
        "optbuild's specification of an image",
        f"`optbuild build` makes the image; then {_INSPECT_IT}",
    ),
    _make_text_kind(
        rf"(?:^|/){re.escape(LOCK_FILE)}$",
        _ANY,
        "a lock",
        "`optbuild diff IMAGE LOCK` compares an image with it",
    ),
    _make_text_kind(
        r"\.ya?ml$",
        r"^services\s*:",
        "a compose file",
        "`optbuild plan -f FILE` looks at it; `optbuild inspect IMAGE` at an image of one of its services",
    ),
    _make_text_kind(
        _ANY,
        r"\A(?:\ufeff|\s|#[^\n]*\n|ARG\s[^\n]*\n)*FROM\s+\S",
        "a Dockerfile",
        "`docker build --tag NAME --file FILE .` makes an image of it; then `optbuild inspect NAME`",
    ),
)


def check_archive_file(path: Path) -> None:
    """Raises NotAnImageArchiveError for what cannot hold an image, OSError."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    kind = _identify(str(path), head)
    if kind is not None:
        raise NotAnImageArchiveError(str(path), *kind)


def explain_bad_archive(path: Path, error: BadImageArchiveError) -> OptbuildError:
    """``error`` for a person who named the file: one without an image is not a damaged one."""
    inside = _list_first_names(path)
    tops = {one.removeprefix("./").partition("/")[0] for one in inside} - {"", "."}
    if (
        tops
        and not tops & {"manifest.json", "index.json", "blobs", "oci-layout", "repositories"}
        and not _has_layers(inside)
    ):
        if len(tops & _ROOT_FOLDERS) >= _ROOT_ENOUGH:
            return NotAnImageArchiveError(
                str(path),
                "a root file system, as `docker export` writes it",
                "`docker import FILE NAME` makes an image of one layer from it; `docker save` writes an image as it is",
            )
        return NotAnImageArchiveError(
            str(path), f"an archive of other files ({format_short_list(sorted(tops))})", _SAVE
        )
    return BadImageArchiveError(
        f"{path}: {error.message}",
        hint="save it once more (`docker save --output FILE IMAGE`), or load it down once more: a part is missing or "
        "has changed",
    )


def _has_layers(names: list[str]) -> bool:
    """Engines before 25 write a folder for each layer, and the manifest last: it may have been cut off."""
    return any(name.endswith("/layer.tar") for name in names)


def _identify(name: str, head: bytes) -> _Kind | None:
    """None: it may be an archive with an image."""
    if is_tar(head[:_HEADER_BYTES]):
        return None
    if not head:
        return _Kind("empty", f"the command that should have written it failed; {_SAVE}")
    if head.startswith((GZIP, ZSTD)):
        plain = _unpack_beginning(head)
        return None if plain is None or is_tar(plain[:_HEADER_BYTES]) else _Kind("a packed file of another kind", _SAVE)
    for magic, packer in _PACKED:
        if head.startswith(magic):
            return _Kind(f"packed with {packer}, which is not unpacked here", f"`{packer} --decompress --keep {name}`")
    what = next((what for magic, what in _BINARY if head.startswith(magic)), None)
    return _identify_text(name, head) if what is None else _Kind(what, _SAVE)


def _unpack_beginning(head: bytes) -> bytes | None:
    """What gzip packed; None: it does not show that (zstd, which is rare, is unpacked where layers are read)."""
    if not head.startswith(GZIP):
        return None
    part = zlib.decompressobj(31)
    try:
        plain = part.decompress(head, 4096)
    except zlib.error:
        return None
    return plain if part.eof or len(plain) >= _HEADER_BYTES else None


def _identify_text(name: str, head: bytes) -> _Kind:
    if b"\0" in head:
        return _Kind("a file of another kind", _SAVE)
    text = head.decode("utf-8", "replace")
    for one in _TEXTS:
        if one.name.search(name) and one.text.search(text):
            return one.kind
    return _Kind("a text", _SAVE)


def _list_first_names(path: Path) -> list[str]:
    found: list[str] = []
    try:
        with path.open("rb") as stream:
            for member in TarStream(decompress_archive(iter(lambda: stream.read(1 << 20), b""))):
                found.append(member.name)
                if len(found) >= _MOST_ENTRIES:
                    break
    except (BadImageArchiveError, OSError):
        pass
    return found
