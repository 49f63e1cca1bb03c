"""Whose file a file is."""

from __future__ import annotations

import pytest

from builder.inspect.packages.owners import format_source_path


@pytest.mark.parametrize(
    ("bytecode", "source"),
    [
        ("x.cpython-311.pyc", "x.py"),
        ("x.y.cpython-311.opt-1.pyc", "x.y.py"),
        ("a.b12.pypy39.pyc", "a.b12.py"),
        ("test_x.cpython-311-pytest-8.0.0rc1.pyc", "test_x.py"),
        ("x.pyc", "x.py"),
    ],
)
def test_the_source_of_bytecode_is_told_by_its_name(bytecode: str, source: str) -> None:
    assert format_source_path(f"/a/__pycache__/{bytecode}") == f"/a/{source}"
