"""Which modules a distribution has and what each of them imports, read from its bytecode. Standard library only.

Imports with a fixed name are seen, wherever they stand; names that are put together at run time
(``importlib.import_module(name)``, ``pkgutil``) are not.
"""

from __future__ import annotations

import dis
import sys
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from itertools import accumulate
from types import CodeType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_IMPORT_NAME, _LOAD_CONST, _EXTENDED_ARG = (dis.opmap[name] for name in ("IMPORT_NAME", "LOAD_CONST", "EXTENDED_ARG"))
_CO_OPTIMIZED = 0x1
"""Set for the code of functions, not for that of modules and class bodies (Python's ``inspect`` module)."""


@dataclass(frozen=True)
class Imports:
    """Dotted names. ``from a import b`` counts as ``a`` and ``a.b``: only the tree tells whether ``b`` is a module."""

    at_import: frozenset[str]
    """What runs when the module itself is imported."""
    later: frozenset[str]
    """What stands in functions."""

    def all(self) -> frozenset[str]:
        return self.at_import | self.later


def name_module(path: str) -> str | None:
    """The dotted name of a file, relative to site-packages; None for what cannot be imported."""
    suffix = next((ending for ending in (".py", *EXTENSION_SUFFIXES) if path.endswith(ending)), None)
    if suffix is None:
        return None
    parts = path.removesuffix(suffix).split("/")
    if parts[-1] == "__init__" and len(parts) > 1:
        del parts[-1]
    return ".".join(parts) if all(map(str.isidentifier, parts)) else None


def list_packages(modules: set[str]) -> set[str]:
    """The modules and every package around them: a folder without ``__init__.py`` is a package too (PEP 420)."""
    return {name for module in modules for name in accumulate(module.split("."), "{}.{}".format)}


def read_imports(code: CodeType, module: str, *, is_package: bool) -> Imports:
    """What the module ``module``, whose code this is, imports; the standard library's modules are left out."""
    package = module if is_package else module.rpartition(".")[0]
    found: tuple[set[str], set[str]] = set(), set()
    waiting = [(code, False)]
    while waiting:
        block, in_function = waiting.pop()
        for name, level, names in _find_import_instructions(block):
            target = _resolve_name(name, package, level)
            if target and target.partition(".")[0] not in sys.stdlib_module_names:
                found[in_function].add(target)
                found[in_function].update(f"{target}.{one}" for one in names if one != "*")
        inner = (one for one in block.co_consts if isinstance(one, CodeType))
        waiting += [(one, in_function or bool(one.co_flags & _CO_OPTIMIZED)) for one in inner]
    return Imports(frozenset(found[False]), frozenset(found[True] - found[False]))


def _find_import_instructions(code: CodeType) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    """Name, level and list of names of each IMPORT_NAME, which takes the last two from the constants before it."""
    raw = code.co_code
    operations, arguments = raw[::2], raw[1::2]  # searched by bytes.find, not in a loop of ours
    at = operations.find(_IMPORT_NAME)
    while at >= 0:
        argument, before = _read_argument(operations, arguments, at)
        names, before = _read_constant(code, operations, arguments, before)
        level, _ = _read_constant(code, operations, arguments, before)
        yield (
            code.co_names[argument],
            level if isinstance(level, int) else 0,
            names if isinstance(names, tuple) else (),
        )
        at = operations.find(_IMPORT_NAME, at + 1)


def _read_constant(code: CodeType, operations: bytes, arguments: bytes, at: int) -> tuple[object, int]:
    argument, before = _read_argument(operations, arguments, at)
    return code.co_consts[argument] if at >= 0 and operations[at] == _LOAD_CONST else None, before


def _read_argument(operations: bytes, arguments: bytes, at: int) -> tuple[int, int]:
    """Of the instruction at ``at``: its argument, of which each EXTENDED_ARG before it has eight more bits, and where
    the instruction before those stands."""
    first = at
    while first > 0 and operations[first - 1] == _EXTENDED_ARG:
        first -= 1
    return int.from_bytes(arguments[first : at + 1], "big"), first - 1


def _resolve_name(name: str, package: str, level: int) -> str:
    """The absolute name; empty where a relative one leaves the outermost package, which no import can do."""
    if level == 0:
        return name
    parents = package.split(".")[: max(len(package.split(".")) - level + 1, 0)] if package else []
    return ".".join([*parents, *([name] if name else [])]) if parents else ""
