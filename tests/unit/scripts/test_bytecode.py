"""Bytecode depends on its source, on the path in it and on this Python alone."""

from __future__ import annotations

import importlib.util
import marshal
import sys
from typing import TYPE_CHECKING

import pytest
from build_scripts import load_build_script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

SOURCE = b"def frobnicate(only_here=('a', 300, 'not a name', 2.5)):\n    return only_here, 10**20\n"


@pytest.fixture
def bytecode() -> Iterator[ModuleType]:
    with load_build_script("bytecode") as module:
        yield module


def test_what_the_process_knows_changes_nothing(bytecode: ModuleType) -> None:
    before = bytecode.compile_source(SOURCE, "/x.py")[1]
    plain = marshal.dumps(compile(SOURCE, "/x.py", "exec"))
    kept = [compile(SOURCE, "/x.py", "exec"), compile(SOURCE, "/y.py", "exec")]
    assert bytecode.compile_source(SOURCE, "/x.py")[1] == before
    assert len(before) == 16 + len(plain)  # references cost no byte
    assert kept


def test_a_string_of_one_character_does_not_tell_what_the_process_knows(bytecode: ModuleType) -> None:
    """`"{"` was a name in a build's only worker, where a part of a path had made it one, and none in one of two."""
    for code in range(256):
        source = f"x = {chr(code)!r}".encode()
        before = bytecode.compile_source(source, "/x.py")[1]
        name = sys.intern(chr(code))
        assert bytecode.compile_source(source, "/x.py")[1] == before, name


def test_it_is_what_the_import_system_reads(bytecode: ModuleType, tmp_path: Path) -> None:
    source = tmp_path / "module.py"
    source.write_bytes(SOURCE)
    made = bytecode.compile_file(source, source)
    assert str(made) == importlib.util.cache_from_source(str(source))
    source.write_text("raise SystemExit")  # unchecked: the source is not looked at
    spec = importlib.util.spec_from_file_location("module", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.frobnicate(1) == (1, 10**20)


def test_what_is_no_python_has_none(bytecode: ModuleType, tmp_path: Path) -> None:
    source = tmp_path / "template.py"
    source.write_text("print {{ x }} y")
    assert bytecode.compile_file(source, source) is None
    assert [*tmp_path.iterdir()] == [source]


def test_a_link_in_the_place_of_bytecode_is_not_followed(bytecode: ModuleType, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine")
    (tmp_path / "file").symlink_to(mine)
    bytecode.write_file(f"{tmp_path}/file", b"new")
    assert mine.read_text() == "mine"
    assert (tmp_path / "file").read_bytes() == b"new"
