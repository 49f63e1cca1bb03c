"""Which modules a distribution brings, by its own metadata. Runs inside the image; standard library only."""

from __future__ import annotations

import importlib.metadata
import re

SUFFIXES = re.compile(r"(\.py|\.abi3\.so|\.cpython-[\w-]+\.so|\.so)$")


def modules_of(name):
    """Top-level modules of an installed distribution, sorted: ``top_level.txt`` where it has one, else its files."""
    distribution = importlib.metadata.distribution(name)
    listed = (distribution.read_text("top_level.txt") or "").split()
    found = listed or [top_level(str(path)) for path in distribution.files or ()]
    return sorted({module for module in found if module and module.isidentifier() and not is_helper(module)})


def top_level(path):
    """The module that a file of a RECORD belongs to; empty for metadata, scripts and data."""
    first, slash, _ = path.partition("/")
    if slash:
        return "" if first.endswith((".dist-info", ".data")) or SUFFIXES.search(path) is None else first
    return SUFFIXES.sub("", first) if SUFFIXES.search(first) else ""


def is_helper(module):
    """Not something that a user imports: compiled helpers (``_cffi_backend``), stray ``tests`` and ``docs`` folders."""
    return module.startswith("_") or module in {"tests", "test", "docs", "examples", "conftest"}
