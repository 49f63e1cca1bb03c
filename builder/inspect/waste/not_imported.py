"""OB409 to OB411, OB413: parts of packages that a running program never opens."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from builder.inspect.model import Waste
from builder.inspect.packages.owners import source_of
from builder.inspect.waste.context import by_layer, counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from builder.inspect.overlay import Placed
    from builder.inspect.waste.context import Ledger, Look

_SITE = re.compile(r"^(.*/(?:site|dist)-packages)/(.+)$")
_MAPS = (".js.map", ".mjs.map", ".cjs.map", ".css.map")
_TAG = re.compile(r"\.(?P<tag>[a-z]+-?\d+)(?P<optimised>\.opt-\w+)?\.pyc$")
_PYTHON = re.compile(r"/python3\.(\d+)/")


def tests(look: Look, ledger: Ledger) -> Iterator[Waste]:
    """OB409: folders ``tests`` inside a package, and packages that are called so."""
    if look.pruned:
        return
    owners = look.packages.ownership.owners
    paths = [
        one.entry.path
        for folder, placed in look.scene.folders.items()
        if _is_tests(folder)
        for one in placed
        if one.entry.path in owners
    ]

    def goes_too(path: str) -> bool:
        return _is_tests(path.rpartition("/")[0]) and look.packages.claimant(path) is not None

    for layer, files in by_layer(ledger.take_all(paths, goes_too)):
        sums: dict[str, int] = defaultdict(int)
        for file in files:
            sums[look.packages.packages[owners[file.path]].key.name] += file.bytes
        names = listed(sorted(sums, key=lambda name: (-sums[name], name)))
        told = f"tests of {counted(sums, 'package')}, {counted(files)}: {names}"
        fix = (
            "in the RUN that installs: `&& find SITE-PACKAGES -type d -name tests -prune -exec rm -r {} +`, then start "
            "the program once, because a few packages import theirs; `optbuild build` does this, and keeps those"
        )
        yield Waste("OB409", told, look.with_caches(fix, files), files, layer)


def _is_tests(folder: str) -> bool:
    if "/test" not in folder:
        return False
    found = _SITE.match(folder)
    if found is None:
        return False
    parts = found[2].split("/")
    return "tests" in parts or parts[0] == "test"


def source_maps(look: Look, ledger: Ledger) -> Iterator[Waste]:
    """OB410."""
    paths = [path for path in look.scene.files if path.endswith(_MAPS)]
    for layer, files in by_layer(ledger.take_all(paths, lambda path: path.endswith(_MAPS))):
        told = (
            f"{counted(files, 'source map')}, which only a browser's debugger asks for: {listed(f.path for f in files)}"
        )
        fix = "in the RUN that installs: `&& find FOLDER -name '*.js.map' -delete -o -name '*.css.map' -delete`"
        yield Waste("OB410", told, look.with_caches(fix, files), files, layer)


def bytecode(look: Look, ledger: Ledger) -> Iterator[Waste]:
    """OB411: of several compiled forms of one source, those that the interpreter does not load."""
    paths: list[str] = []
    for folder, placed in look.scene.folders.items():
        if folder.endswith("/__pycache__"):
            paths += _superfluous(folder, placed, look)
    for layer, files in by_layer(ledger.take_all(paths)):
        told = f"{counted(files)} of bytecode whose source is compiled already: {listed(file.path for file in files)}"
        fix = (
            "compile once, with the image's own interpreter and without -O: "
            "`python -m compileall -q SITE-PACKAGES`; remove the `.pyc` files of other interpreters"
        )
        yield Waste("OB411", told, look.with_caches(fix, files), files, layer)


def _superfluous(folder: str, placed: Iterable[Placed], look: Look) -> Iterator[str]:
    compiled = [entry.path for _, entry in placed if entry.path.endswith(".pyc")]
    forms: dict[str, list[str]] = defaultdict(list)
    if len({path.rpartition("/")[2].partition(".")[0] for path in compiled}) < len(compiled) or _has_bytecode(
        look.scene.folders.get(folder.removesuffix("/__pycache__"), ())
    ):  # else each source has one form, as nearly always
        for path in compiled:
            forms[source_of(path)].append(path)
    for source, paths in forms.items():
        beside = f"{source}c"  # as Python 2 put it; still loaded, but only where the source is not there
        if beside in look.scene.files and source in look.scene.files:
            yield beside
        if len(paths) > 1:
            kept = max(paths, key=lambda path: _rank(path, folder, look))
            yield from (path for path in paths if path != kept)


def _has_bytecode(placed: Iterable[Placed]) -> bool:
    return any(entry.path.endswith(".pyc") for _, entry in placed)


def _rank(path: str, folder: str, look: Look) -> tuple[bool, bool, int, str]:
    """What the interpreter of this folder loads comes first, then the plain form, then the newest."""
    found = _TAG.search(path)
    if found is None:
        return (False, False, 0, path)
    number = re.sub(r"\D", "", found["tag"])
    python = _PYTHON.search(folder)
    wanted = f"3{python[1]}" if python else _interpreter(look)
    plain = not found["optimised"]
    return (found["tag"].startswith("cpython") and number == wanted, plain, int(number or 0), path)


def _interpreter(look: Look) -> str:
    """``311`` of the newest ``python3.11`` that the image has; empty: none."""
    found = [int(path.rpartition(".")[2]) for path in look.scene.files if re.search(r"/bin/python3\.\d+$", path)]
    return f"3{max(found)}" if found else ""


def symbols(look: Look, ledger: Ledger) -> Iterator[Waste]:
    """OB413: a part of each file; what is left of it stays."""
    if look.pruned:
        return
    files = [
        taken
        for path, placed in look.scene.files.items()
        if placed.entry.symbols
        if (taken := ledger.take_visible(path, placed.entry.symbols)) is not None
    ]
    for layer, part in by_layer(files):
        told = f"symbols that only a debugger reads, in {counted(part)}: {listed(file.path for file in part)}"
        fix = (
            "in the stage that installs: `strip --strip-unneeded FILE`, and load each file once afterwards: binutils "
            "damages those that patchelf has changed; `optbuild build` does this, and leaves them as they were"
        )
        yield Waste("OB413", told, fix, part, layer)
