"""Bytecode that depends on its source, on the path in it and on this Python alone. Runs inside the build.

What ``marshal`` writes depends on the process: it notes for a later reference each object that something else refers to
as well, and names are shared by the whole process ("w_ref" in CPython's Python/marshal.c). Here each code object is
read back from its own bytes while the first one still lives: every name of it then has two owners, whatever the process
did before, everything else has those within the code alone, and the bytes of that second object are the same each time.
Strings of one character are the exception: CPython has each once in a process, also where it is not a name, and
``marshal`` notes whether anything made a name of it meanwhile. Here all of them are names from the start.
Sets of constants also need PYTHONHASHSEED=0, see finish.py.
"""

from __future__ import annotations

import contextlib
import importlib.util
import marshal
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import CodeType

UNCHECKED_HASH = (0b01).to_bytes(4, "little")
"""PEP 552: hash-based bytecode whose source is not looked at when it is imported."""

_ONE_CHARACTER = tuple(sys.intern(chr(code)) for code in range(256))
"""All strings of which CPython has one object each (Objects/unicodeobject.c), kept, so that they stay names."""


def compile_source(data: bytes, seen_as: str) -> tuple[CodeType, bytes] | None:
    """The code of a module that lies at ``seen_as``, and its file's bytes; None where it is not Python of this version.

    Templates and Python 2 files that some distributions ship are not; nobody can import them either way.
    """
    try:
        first = compile(data, seen_as, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    code: CodeType = marshal.loads(marshal.dumps(first))  # noqa: S302 - made above
    header = importlib.util.MAGIC_NUMBER + UNCHECKED_HASH + importlib.util.source_hash(data)
    return code, header + marshal.dumps(code)  # `first` lives until here


def find_bytecode_path(source: str) -> str:
    """Where the import system looks for a source's bytecode (PEP 3147)."""
    folder, _, name = source.rpartition("/")
    return f"{folder}/__pycache__/{name.removesuffix('.py')}.{sys.implementation.cache_tag}.pyc"


def write_file(path: str, data: bytes) -> None:
    """A new file; one that is there goes, and a link is not followed."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        file = os.open(path, flags, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        file = os.open(path, flags, 0o666)
    except FileExistsError:
        os.unlink(path)
        file = os.open(path, flags, 0o666)
    with contextlib.closing(os.fdopen(file, "wb", buffering=0)) as stream:
        stream.write(data)


def compile_file(source: Path, seen_as: Path) -> Path | None:
    """Write the bytecode of ``source``, as if that lay at ``seen_as``, beside it; None: it is not Python."""
    made = compile_source(source.read_bytes(), str(seen_as))
    if made is None:
        return None
    target = find_bytecode_path(str(source))
    write_file(target, made[1])
    return Path(target)
