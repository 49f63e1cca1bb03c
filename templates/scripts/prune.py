"""Which files of one distribution go, and by which rule. Depends on that distribution and the committed lists alone:
what other distributions import is looked at afterwards, by check.py, and can fail a build but change no file.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import prune_exceptions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from imports import Imports

INSTALLER_NOTES = "installer-notes"
"""The one rule without a switch: when and from which file a wheel was installed differs in each build."""
_NOTES = ("uv_cache.json",)
_COMPILER_SOURCES = (".a", ".c", ".cc", ".cpp", ".f", ".f90", ".h", ".hpp", ".la", ".pxd", ".pxi", ".pyx")
_DOCUMENTATION = (("share", "man"), ("share", "doc"), ("share", "info"))
_TEST_FOLDERS = ("test", "tests")
_ENGLISH = ("root.dat", "en.dat")


def find_pruned(files: Iterable[Path], site: Path, rules: Collection[str], distribution: str) -> dict[Path, str]:
    """File → rule, for the files of ``distribution`` (its normalized name; empty: files that none owns).

    ``site`` is site-packages. Of those under ``tests``, :func:`list_imported_tests` says which must stay after all.
    """
    found = {}
    for path in files:
        rule = _find_rule(path, site, rules)
        if rule and not prune_exceptions.is_kept(distribution, rule, _relate(path, site).as_posix()):
            found[path] = rule
    return found


def list_imported_tests(
    pruned: Mapping[Path, str],
    modules: Mapping[str, Path],
    imports: Mapping[str, Imports],
    site: Path,
    distribution: str,
) -> set[Path]:
    """Pruned test code that a module of ``imports`` imports: with a folder everything in it, its data too.

    ``modules``: dotted name → file, of the pruned ones. Known dead importers do not count.
    """
    wanted = {
        name
        for module, found in imports.items()
        if not prune_exceptions.is_dead_importer(distribution, module)
        for name in found.all()
    }
    tests = {path for path, rule in pruned.items() if rule == "tests"}
    needed = {file for name, file in modules.items() if name in wanted and file in tests}
    folders = {folder for file in needed if (folder := _find_test_folder(file, site))}
    return needed | {path for path in tests if _find_test_folder(path, site) in folders}


def _find_rule(path: Path, site: Path, rules: Collection[str]) -> str | None:
    """The first rule of those switched on that takes the file."""
    if path.name in _NOTES:
        return INSTALLER_NOTES
    return next((rule for rule, takes in _TAKES.items() if rule in rules and takes(path, site)), None)


def _relate(path: Path, site: Path) -> PurePath:
    return path.relative_to(site) if path.is_relative_to(site) else PurePath(path.name)


def _is_test(path: Path, site: Path) -> bool:
    return path.name == "conftest.py" or _find_test_folder(path, site) is not None


def _find_test_folder(path: Path, site: Path) -> PurePath | None:
    """The outermost test folder around the file, relative to ``site``; a package ``tests`` of its own is none."""
    parts = _relate(path, site).parts[:-1]
    depth = next((index for index, part in enumerate(parts) if index and part in _TEST_FOLDERS), None)
    return None if depth is None else PurePath(*parts[: depth + 1])


def _is_unread_stub(path: Path, site: Path) -> bool:
    """Not where lazy_loader reads it at run time, nor where stubs are all that was asked for (PEP 561: ``x-stubs``)."""
    if path.suffix != ".pyi" or any(part.endswith("-stubs") for part in _relate(path, site).parts):
        return False
    module = path.with_suffix(".py")
    return not module.is_file() or b"attach_stub" not in module.read_bytes()


def _is_translation_source(path: Path, _: Path) -> bool:
    return path.suffix == ".po" and path.with_suffix(".mo").is_file()


def _is_foreign_bytecode(path: Path, _: Path) -> bool:
    """Bytecode beside ``__pycache__`` may be all there is of a module: that stays."""
    tag = sys.implementation.cache_tag or ""
    return path.suffix == ".pyc" and path.parent.name == "__pycache__" and f".{tag}." not in path.name


def _is_documentation(path: Path, site: Path) -> bool:
    return not path.is_relative_to(site) and any(pair in _DOCUMENTATION for pair in pairwise(path.parts))


def _is_foreign_locale(path: Path, _: Path) -> bool:
    """Babel's data of a language (babel/locale-data/de_AT.dat) that is neither English nor what all build on."""
    is_data = path.parts[-3:-1] == ("babel", "locale-data") and path.suffix == ".dat"
    return is_data and path.name not in _ENGLISH and not path.name.startswith("en_")


def _ends_with(*endings: str) -> Callable[[Path, Path], bool]:
    return lambda path, _: f"/{path.name}".endswith(endings)


_TAKES: dict[str, Callable[[Path, Path], bool]] = {
    "tests": _is_test,
    "type-stubs": _is_unread_stub,
    "source-maps": _ends_with(".css.map", ".js.map"),
    "web-sources": _ends_with(".ts", ".tsx", ".jsx", "/yarn.lock", "/package-lock.json", "/pnpm-lock.yaml"),
    "compiler-sources": _ends_with(*_COMPILER_SOURCES),
    "translation-sources": _is_translation_source,
    "windows-programs": _ends_with(".exe", ".bat"),
    "protobuf-sources": _ends_with(".proto"),
    "foreign-bytecode": _is_foreign_bytecode,
    "documentation": _is_documentation,
    "locales": _is_foreign_locale,
}
"""Rule → whether it takes a file (first), given site-packages (second)."""
