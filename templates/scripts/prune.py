"""Which files of one distribution go, and by which rule. Depends on that distribution and the committed lists alone:
what other distributions import is looked at afterwards, by check.py, and can fail a build but change no file.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import prune_exceptions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from imports import Imports

    _Taker = Callable[[str, str], bool]

INSTALLER_NOTES = "installer-notes"
"""The one rule without a switch: when and from which file a wheel was installed differs in each build."""
_NOTES = ("uv_cache.json",)
_COMPILER_SOURCES = (".a", ".c", ".cc", ".cpp", ".f", ".f90", ".h", ".hpp", ".la", ".pxd", ".pxi", ".pyx")
_WEB_SOURCES = (
    *(".ts", ".tsx", ".jsx", "/yarn.lock", "/package-lock.json", "/pnpm-lock.yaml"),
    # CommonJS, for bundlers; a page loads swagger-ui-bundle.js (issue 7831 of swagger-api/swagger-ui)
    *("/swagger-ui-es-bundle.js", "/swagger-ui-es-bundle-core.js"),
)
_DOCUMENTATION = ("/share/man/", "/share/doc/", "/share/info/")
_TEST_FOLDER = re.compile(r"[^/]+/(?:[^/]+/)*?tests?(?=/)")
_ENGLISH = ("root.dat", "en.dat")


def find_pruned(files: Iterable[str], site: str, rules: Collection[str], distribution: str) -> dict[str, str]:
    """File → rule, for the files of ``distribution`` (its normalized name; empty: files that none owns).

    ``site`` is site-packages; paths are absolute. Of those under ``tests``, :func:`list_imported_tests` says which must
    stay after all.
    """
    takers = [(rule, takes) for rule, takes in _TAKES.items() if rule in rules]
    found = {}
    for path in files:
        relative = _relate(path, site)
        rule = _find_rule(path, relative, takers)
        if rule and not prune_exceptions.is_kept(distribution, rule, relative or _name(path)):
            found[path] = rule
    return found


def list_imported_tests(
    pruned: Mapping[str, str],
    modules: Mapping[str, str],
    imports: Mapping[str, Imports],
    entry_points: Iterable[str],
    *,
    site: str,
    distribution: str,
) -> set[str]:
    """Pruned test code that a module of ``imports`` or an entry point imports: with a folder everything in it, its
    data too.

    ``modules``: dotted name → file, of the pruned ones. ``entry_points``: the modules that the distribution's metadata
    names. Known dead importers do not count.
    """
    wanted = set(entry_points) | {
        name
        for module, found in imports.items()
        if not prune_exceptions.is_dead_importer(distribution, module)
        for name in found.all()
    }
    tests = {path: _find_test_folder(_relate(path, site)) for path, rule in pruned.items() if rule == "tests"}
    needed = {file for name, file in modules.items() if name in wanted and file in tests}
    folders = {tests[file] for file in needed if tests[file]}
    return needed | {path for path, folder in tests.items() if folder in folders}


def _find_rule(path: str, relative: str, takers: Iterable[tuple[str, _Taker]]) -> str | None:
    """The first rule that takes the file."""
    if _name(path) in _NOTES:
        return INSTALLER_NOTES
    return next((rule for rule, takes in takers if takes(path, relative)), None)


def _relate(path: str, site: str) -> str:
    """Below site-packages; empty for a file that lies elsewhere."""
    return path[len(site) + 1 :] if path.startswith(f"{site}/") else ""


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _is_test(path: str, relative: str) -> bool:
    return path.endswith("/conftest.py") or _find_test_folder(relative) is not None


def _find_test_folder(relative: str) -> str | None:
    """The outermost test folder around the file, relative to site-packages; a package ``tests`` of its own is none."""
    found = _TEST_FOLDER.match(relative)
    return found[0] if found else None


def _is_unread_stub(path: str, relative: str) -> bool:
    """Not where lazy_loader reads it at run time, nor where stubs are all that was asked for (PEP 561: ``x-stubs``)."""
    if not path.endswith(".pyi") or "-stubs/" in relative:
        return False
    module = Path(path).with_suffix(".py")
    return not module.is_file() or b"attach_stub" not in module.read_bytes()


def _is_translation_source(path: str, _: str) -> bool:
    return path.endswith(".po") and Path(path).with_suffix(".mo").is_file()


def _is_foreign_bytecode(path: str, _: str) -> bool:
    """Bytecode beside ``__pycache__`` may be all there is of a module: that stays."""
    if not path.endswith(".pyc"):
        return False
    folder, _, name = path.rpartition("/")
    return folder.endswith("/__pycache__") and f".{sys.implementation.cache_tag}." not in name


def _is_documentation(path: str, relative: str) -> bool:
    return not relative and any(folder in path for folder in _DOCUMENTATION)


def _is_foreign_locale(path: str, _: str) -> bool:
    """Babel's data of a language (babel/locale-data/de_AT.dat) that is neither English nor what all build on."""
    folder, _, name = path.rpartition("/")
    is_data = folder.endswith("/babel/locale-data") and name.endswith(".dat")
    return is_data and name not in _ENGLISH and not name.startswith("en_")


def _ends_with(*endings: str) -> _Taker:
    return lambda path, _: path.endswith(endings)


_TAKES: dict[str, _Taker] = {
    "tests": _is_test,
    "type-stubs": _is_unread_stub,
    "source-maps": _ends_with(".css.map", ".js.map"),
    "web-sources": _ends_with(*_WEB_SOURCES),
    "compiler-sources": _ends_with(*_COMPILER_SOURCES),
    "translation-sources": _is_translation_source,
    "windows-programs": _ends_with(".exe", ".bat"),
    "protobuf-sources": _ends_with(".proto"),
    "foreign-bytecode": _is_foreign_bytecode,
    "documentation": _is_documentation,
    "locales": _is_foreign_locale,
}
"""Rule → whether it takes a file, by its path and by the same below site-packages (empty: it lies elsewhere)."""
