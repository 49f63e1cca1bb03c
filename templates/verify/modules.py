"""Which modules a distribution brings, by its own metadata. Runs inside the image; standard library only."""

from __future__ import annotations

import importlib
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


def import_modules(name):
    """Import each module of the distribution: (module → error, stray module → what it misses)."""
    modules = modules_of(name)
    errors = {}
    for module in modules:
        try:
            importlib.import_module(module)
        except BaseException as error:  # noqa: BLE001 - whatever a module raises counts: a missing library is an OSError
            errors[module] = error
    named = {module for module in modules if normal(module) in normal(name)}
    works = not named & errors.keys() if named else len(errors) < len(modules)
    stray = {
        module: error.name
        for module, error in errors.items()
        if works and module not in named and is_stray(name, error)
    }
    return {module: error for module, error in errors.items() if module not in stray}, stray


def is_stray(name, error):
    """A module beside those that the distribution is named after, in want of something that it does not ask for: left
    over from its making (mlflow-skinny 2.9.2 has ``pylint_plugins``, which import astroid), or for those who
    have more (duckdb has ``adbc_driver_duckdb``)."""
    is_missing = isinstance(error, ModuleNotFoundError) and error.name is not None
    return is_missing and not asks_for(name, error.name.partition(".")[0])


def asks_for(name, module):
    """Whether a requirement of the distribution, also of an extra, has the module's name, or brings it."""
    owners = {normal(one) for one in importlib.metadata.packages_distributions().get(module, ())}
    needed = {
        normal(re.match(r"[A-Za-z0-9._-]+", text).group())
        for text in importlib.metadata.distribution(name).requires or ()
    }
    return bool(needed & {normal(module), *owners})


def normal(name):
    """As names of distributions are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
