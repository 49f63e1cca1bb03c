"""Bytecode of the standard library of an interpreter that somebody else built: official images come without.

    stdlib.py SCRIPTS     in place, the same bytes each time, where a module has none: for the image
    stdlib.py             in place, with all processors, whatever bytes come out: for a stage that starts many

An image's user may not write below /usr, so each start would compile what it imports. Standard library only.
"""

from __future__ import annotations

import compileall
import importlib.util
import os
import re
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE_FOLDERS = ("site-packages", "dist-packages")
"""Below the standard library's folder, but not of it."""


def list_modules(library: Path) -> Iterator[Path]:
    """Sources without bytecode, sorted."""
    for source in sorted(library.rglob("*.py")):
        is_package = source.relative_to(library).parts[0] in PACKAGE_FOLDERS
        if not is_package and not Path(importlib.util.cache_from_source(str(source))).exists():
            yield source


def compile_in_place(library: Path, scripts: Path) -> None:
    """As finish.py compiles everything else."""
    sys.path.insert(0, str(scripts))
    bytecode = importlib.import_module("bytecode")
    for source in [*list_modules(library)]:
        made = bytecode.compile_file(source, source)
        if made is not None:
            made.chmod(0o644)
            made.parent.chmod(0o755)


def compile_quickly(library: Path) -> None:
    """What cannot be compiled stays as it is."""
    unwanted = re.compile("|".join(f"/{name}/" for name in PACKAGE_FOLDERS))
    compileall.compile_dir(library, quiet=2, rx=unwanted, workers=len(os.sched_getaffinity(0)))


if __name__ == "__main__":
    if sys.argv[1:]:
        compile_in_place(Path(sysconfig.get_path("stdlib")), Path(sys.argv[1]))
    else:
        compile_quickly(Path(sysconfig.get_path("stdlib")))
