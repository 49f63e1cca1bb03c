"""`make unit` starts a process for each core, and gives each a share of the test files.

pytest-xdist gives out single tests: each of its processes read all test files, and telling the others of each setup,
call and teardown took 2 ms of CPU for each of 11,000 tests.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SHARE_VARIABLE = "OPTBUILD_TEST_SHARE"
"""``1/2``: the first of two shares. Not set: all files."""
ASKS_SOURCES = b"from source_trees import"
"""In tests about the project's own files, which take seconds to parse: once, as they are in one share."""


def select_share(files: Iterable[Path], share: str) -> frozenset[Path]:
    """Every file is in one share. Large and small ones are in each, so that none takes much longer; the last one has
    all tests about the project's own files."""
    found = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", share)
    number, count = (int(found[1]), int(found[2])) if found else (1, 0)
    if number > count:
        raise ValueError(f"{SHARE_VARIABLE}={share}: write 1/2 for the first of two shares")
    ordered = sorted(files, key=lambda file: (-file.stat().st_size, file))
    about_sources = {file for file in ordered if ASKS_SOURCES in file.read_bytes()}
    others = [file for file in ordered if file not in about_sources]
    return frozenset(others[number - 1 :: count]) | (about_sources if number == count else set())
