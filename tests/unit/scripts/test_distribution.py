"""What is done to one distribution: a stripped library that the loader would refuse keeps its symbols.

The script runs inside the build, beside elf.py, and uses what that reads: nothing else tells when a part of it is gone.
"""

from __future__ import annotations

import importlib.util
import struct
import sys
from typing import TYPE_CHECKING

import pytest

from builder.core import elf
from builder.core.resources import find_template_folder

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


@pytest.fixture
def distribution(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setitem(sys.modules, "elf", elf)
    spec = importlib.util.spec_from_file_location(
        "optbuild_scripts_distribution", find_template_folder() / "scripts" / "distribution.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def library(offset: int, address: int, alignment: int) -> bytes:
    """A 64 bit file with one loaded segment."""
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return ident + header + struct.pack("<IIQQQQQQ", 1, 5, offset, address, 0, 16, 16, alignment) + bytes(64)


@pytest.mark.parametrize(
    ("offset", "address", "alignment", "loadable"),
    [(0, 0x1000, 0x1000, True), (0x10, 0x1010, 0x1000, True), (0x10, 0x1000, 0x1000, False), (5, 0, 0, True)],
)
def test_a_library_whose_segments_moved_cannot_be_loaded(
    distribution: ModuleType, offset: int, address: int, alignment: int, loadable: bool
) -> None:
    assert distribution.loadable(library(offset, address, alignment)) is loadable


def test_a_file_without_a_hash_in_record_is_read_itself(distribution: ModuleType, tmp_path: Path) -> None:
    """Else the result of another wheel with the same names would be taken from the cache."""
    record = tmp_path / "site-packages/alpha-1.0.dist-info/RECORD"
    record.parent.mkdir(parents=True)
    record.write_text("alpha/a.py,sha256=xyz,3\nalpha/b.py,,\nalpha-1.0.dist-info/RECORD,,\n")
    assert distribution.list_hashed(record) == {tmp_path / "site-packages/alpha/a.py"}
    assert distribution.list_hashed(None) == frozenset()
