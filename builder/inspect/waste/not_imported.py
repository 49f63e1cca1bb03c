"""OB409 to OB411, OB413: parts of packages that a running program never opens."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from builder.core.phrases import format_short_list
from builder.inspect.model import Waste
from builder.inspect.packages.owners import format_source_path
from builder.inspect.waste.context import format_count, group_by_layer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from builder.inspect.overlay import LayeredEntry
    from builder.inspect.waste.context import WasteContext, WasteLedger

_SITE = re.compile(r"^(.*/(?:site|dist)-packages)/(.+)$")
_MAPS = (".js.map", ".mjs.map", ".cjs.map", ".css.map")
_TAG = re.compile(r"\.(?P<tag>[a-z]+-?\d+)(?P<optimised>\.opt-\w+)?\.pyc$")
_PYTHON = re.compile(r"/python3\.(\d+)/")


def find_installed_tests(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """OB409: folders ``find_installed_tests`` inside a package, and packages that are called so."""
    if context.pruned:
        return
    owners = context.packages.ownership.owners
    paths = [
        one.entry.path
        for folder, placed in context.filesystem.folders.items()
        if _is_test_folder(folder)
        for one in placed
        if one.entry.path in owners
    ]

    def goes_too(path: str) -> bool:
        return _is_test_folder(path.rpartition("/")[0]) and context.packages.find_claimant(path) is not None

    for layer, files in group_by_layer(ledger.take_all(paths, goes_too)):
        sums: dict[str, int] = defaultdict(int)
        for file in files:
            sums[context.packages.packages[owners[file.path]].key.name] += file.bytes
        names = format_short_list(sorted(sums, key=lambda name: (-sums[name], name)))
        told = f"tests of {format_count(sums, 'package')}, {format_count(files)}: {names}"
        fix = (
            "in the RUN that installs: `&& find SITE-PACKAGES -type d -name tests -prune -exec rm -r {} +`, then start "
            "the program once, because a few packages import theirs; `optbuild build` does this, and keeps those"
        )
        yield Waste("OB409", told, context.extend_fix(fix, files), files, layer)


def _is_test_folder(folder: str) -> bool:
    if "/test" not in folder:
        return False
    found = _SITE.match(folder)
    if found is None:
        return False
    parts = found[2].split("/")
    return "tests" in parts or parts[0] == "test"


def find_source_maps(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """OB410."""
    paths = [path for path in context.filesystem.files if path.endswith(_MAPS)]
    for layer, files in group_by_layer(ledger.take_all(paths, lambda path: path.endswith(_MAPS))):
        told = (
            f"{format_count(files, 'source map')}, which only a browser's debugger asks for: "
            f"{format_short_list(f.path for f in files)}"
        )
        fix = "in the RUN that installs: `&& find FOLDER -name '*.js.map' -delete -o -name '*.css.map' -delete`"
        yield Waste("OB410", told, context.extend_fix(fix, files), files, layer)


def find_unused_bytecode(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """OB411: of several compiled forms of one source, those that the interpreter does not load."""
    paths: list[str] = []
    for folder, placed in context.filesystem.folders.items():
        if folder.endswith("/__pycache__"):
            paths += _iterate_superfluous(folder, placed, context)
    for layer, files in group_by_layer(ledger.take_all(paths)):
        told = (
            f"{format_count(files)} of bytecode whose source is compiled already: "
            f"{format_short_list(file.path for file in files)}"
        )
        fix = (
            "compile once, with the image's own interpreter and without -O: "
            "`python -m compileall -q SITE-PACKAGES`; remove the `.pyc` files of other interpreters"
        )
        yield Waste("OB411", told, context.extend_fix(fix, files), files, layer)


def _iterate_superfluous(folder: str, placed: Iterable[LayeredEntry], context: WasteContext) -> Iterator[str]:
    compiled = [entry.path for _, entry in placed if entry.path.endswith(".pyc")]
    forms: dict[str, list[str]] = defaultdict(list)
    if len({path.rpartition("/")[2].partition(".")[0] for path in compiled}) < len(compiled) or _has_bytecode(
        context.filesystem.folders.get(folder.removesuffix("/__pycache__"), ())
    ):  # else each source has one form, as nearly always
        for path in compiled:
            forms[format_source_path(path)].append(path)
    for source, paths in forms.items():
        beside = f"{source}c"  # as Python 2 put it; still loaded, but only where the source is not there
        if beside in context.filesystem.files and source in context.filesystem.files:
            yield beside
        if len(paths) > 1:
            kept = max(paths, key=lambda path: _make_rank_key(path, folder, context))
            yield from (path for path in paths if path != kept)


def _has_bytecode(placed: Iterable[LayeredEntry]) -> bool:
    return any(entry.path.endswith(".pyc") for _, entry in placed)


def _make_rank_key(path: str, folder: str, context: WasteContext) -> tuple[bool, bool, int, str]:
    """What the interpreter of this folder loads comes first, then the plain form, then the newest."""
    found = _TAG.search(path)
    if found is None:
        return (False, False, 0, path)
    number = re.sub(r"\D", "", found["tag"])
    python = _PYTHON.search(folder)
    wanted = f"3{python[1]}" if python else _find_interpreter(context)
    plain = not found["optimised"]
    return (found["tag"].startswith("cpython") and number == wanted, plain, int(number or 0), path)


def _find_interpreter(context: WasteContext) -> str:
    """``311`` of the newest ``python3.11`` that the image has; empty: none."""
    found = [
        int(path.rpartition(".")[2]) for path in context.filesystem.files if re.search(r"/bin/python3\.\d+$", path)
    ]
    return f"3{max(found)}" if found else ""


def find_debug_symbols(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """OB413: a part of each file; what is left of it stays."""
    if context.pruned:
        return
    files = [
        taken
        for path, placed in context.filesystem.files.items()
        if placed.entry.symbols
        if (taken := ledger.take_visible(path, placed.entry.symbols)) is not None
    ]
    for layer, part in group_by_layer(files):
        told = (
            f"symbols that only a debugger reads, in {format_count(part)}: "
            f"{format_short_list(file.path for file in part)}"
        )
        fix = (
            "in the stage that installs: `strip --strip-unneeded FILE`, and load each file once afterwards: binutils "
            "damages those that patchelf has changed; `optbuild build` does this, and leaves those as they were"
        )
        yield Waste("OB413", told, fix, part, layer)
