"""Loads the scripts that run inside the build. They lie in templates/ and find each other, and elf.py, beside them."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from builder.core import elf
from builder.core.resources import find_template_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


@contextmanager
def load_build_script(name: str, where: str = "scripts") -> Iterator[ModuleType]:
    """The module from that folder of the templates; it and the scripts that it imports are forgotten afterwards."""
    folder = str(find_template_folder() / where)
    before = dict(sys.modules)
    sys.path.insert(0, folder)
    sys.modules["elf"] = elf
    try:
        yield importlib.import_module(name)
    finally:
        sys.path.remove(folder)
        for added in set(sys.modules) - set(before):
            if added == "elf" or str(getattr(sys.modules[added], "__file__", "")).startswith(folder):
                del sys.modules[added]
