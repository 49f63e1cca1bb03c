"""Takes from shared objects the symbols that only a debugger reads. Runs inside the build; standard library only."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import compact
import elf

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

STRIP = ("strip", "--strip-unneeded")
BATCH_BYTES = 128 << 20
"""Of the libraries that one `strip` is given: they stay in memory until the result is known to be loadable."""


def is_shared_object(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith(".so") or ".so." in name


def strip_libraries(paths: Iterable[str]) -> dict[str, int]:
    """Strip each shared object in place, unless the result could not be loaded. Path → bytes that it lost.

    ``strip`` moves segments of files that patchelf edited (the libraries bundled with numpy and scipy) so that the
    loader refuses them ("ELF load command address/offset not page-aligned"); compact.py then drops what it can.
    """
    saved = {}
    for batch in _make_batches(paths):
        if _run_strip([*batch]):
            unstripped = set()
        else:  # which of them it could not do it says in words only, and the others may be half done
            unstripped = {path for path, before in batch.items() if not _strip_again(path, before)}
        for path, before in batch.items():
            after = before if path in unstripped else Path(path).read_bytes()
            smallest = compact.compact(after if loadable(after) else before)
            if smallest != after or path in unstripped:
                Path(path).write_bytes(smallest)
            saved[path] = len(before) - len(smallest)
    return saved


def _make_batches(paths: Iterable[str]) -> Iterator[dict[str, bytes]]:
    """Path → bytes, of shared objects alone, whatever their names say."""
    batch: dict[str, bytes] = {}
    total = 0
    for path in paths:
        data = Path(path).read_bytes()
        if not elf.is_elf(data):
            continue
        if batch and total + len(data) > BATCH_BYTES:
            yield batch
            batch, total = {}, 0
        batch[path] = data
        total += len(data)
    if batch:
        yield batch


def _strip_again(path: str, before: bytes) -> bool:
    """Alone, from what it was; whether `strip` could do it."""
    Path(path).write_bytes(before)
    return _run_strip([path])


def _run_strip(paths: Sequence[str]) -> bool:
    return subprocess.run([*STRIP, *paths], capture_output=True, check=False).returncode == 0


def loadable(data: bytes) -> bool:
    """Whether every loaded segment's offset and address agree modulo its alignment (gABI, "Program Loading")."""
    segments = [segment for segment in elf.parse_elf(data).segments if segment.loaded]
    return all((segment.offset - segment.address) % max(segment.alignment, 1) == 0 for segment in segments)
