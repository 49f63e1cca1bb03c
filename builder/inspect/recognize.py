"""What a file is by its bytes, decided while it streams by: a secret, a core dump, a database."""

from __future__ import annotations

from builder.core.elf import is_elf, parse_header
from builder.core.file_secrets import KEY_NEEDLE, find_file_secrets
from builder.core.published import hash_data
from builder.core.secret_files import is_published_folder
from builder.inspect.model import FileKind, RecognizedFile

HEAD_BYTES = 64
"""Of a large file: as many as an ELF header has; the others need fewer."""
_ET_CORE = 4
_DATABASES = ((b"SQLite format 3\0", "a SQLite database"), (b"REDIS0", "a dump of Redis"))
"""The SQLite database file format, 1.3; Redis' RDB files."""


def recognize_file(path: str, data: bytes, *, is_whole: bool) -> RecognizedFile | None:
    """``data``: its first HEAD_BYTES, or all of it where it ``is_whole``; only then it is searched for secrets.

    In the folders of packages only for private keys: nearly all files lie there, anybody can download them, and one
    search is what there is time for. Not in their bytecode: a package's lists name its source. `optbuild verify`
    searches them for everything.
    """
    if _is_core_dump(data):
        return RecognizedFile(FileKind.CORE_DUMP, "a core dump")
    for magic, what in _DATABASES:
        if data.startswith(magic):
            return RecognizedFile(FileKind.DATABASE, what)
    if not is_whole or (
        (KEY_NEEDLE not in data or path.endswith(".pyc")) and is_published_folder(path.rpartition("/")[0])
    ):
        return None
    found = find_file_secrets(path, data)
    return RecognizedFile(FileKind.SECRET, found[0], hash_data(data)[1]) if found else None


def _is_core_dump(data: bytes) -> bool:
    try:
        return is_elf(data) and parse_header(data).e_type == _ET_CORE
    except ValueError:
        return False
