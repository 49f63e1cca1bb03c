"""OB407: compilers, linkers, headers and what only they need."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from builder.core.phrases import format_short_list
from builder.inspect.model import Waste
from builder.inspect.waste.context import group_by_layer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.inspect.model import WastedFile
    from builder.inspect.waste.context import WasteContext, WasteLedger

_TOOLS = re.compile(
    r"^(?:(?:gcc|g\+\+|cpp|gfortran|gobjc|gnat|clang|clang-tools|llvm|lld|rustc|cargo|golang|tcc|nasm|yasm)(?:-.+)?"
    r"|binutils(?:-.+)?|build-essential|dpkg-dev|make|cmake(?:-data)?|ninja-build|meson|autoconf|automake|autotools-dev"
    r"|libtool(?:-bin)?|m4|bison|flex|swig|pkg-config|pkgconf(?:-bin)?|libc-dev-bin|linux-libc-dev|manpages-dev"
    r"|linux-headers-.+|.+-dev)$"
)
_RUNTIME = re.compile(r"^(?:gcc-[\d.]+-base|golang-[\w.]+-doc)$")
"""Named like one, but libgcc needs it."""
_HELPERS = re.compile(
    r"^(?:libisl\d+|libmpc3|libmpfr6|libcc1-0|libbinutils|libctf0|libctf-nobfd0|libgprofng0|libsframe\d+"
    r"|lib(?:a|t|l|ub|hwa)san\d+|libitm1|libdpkg-perl|libfile-fcntllock-perl|libalgorithm-\w+-perl|libfakeroot|fakeroot"
    r"|libjsoncpp\d+|librhash\d+|libuv1|libstd-rust-[\d.]+|libllvm[\d.]+|libclang-cpp[\d.]+|libclang-common-.+)$"
)
"""Libraries that only such tools use; those that wheels use as well (libgomp, libquadmath) are not among them."""
_LOOSE = re.compile(
    r"^(?:[a-z0-9_]+-(?:linux|alpine-linux)-[a-z]+-)?"
    r"(?:gcc|g\+\+|cc|c\+\+|c89|c99|cpp|cc1|cc1plus|clang|clang\+\+|ld|ld\.(?:bfd|gold|lld|mold)|lto1|lto-wrapper|collect2)"
    r"(?:-[\d.]+)?$"
)
_LOOSE_FOLDER = re.compile(r"/(?:s?bin|libexec/gcc/.+|lib/gcc/.+)$")
_FIX = (
    "compile in a builder stage and `COPY --from` the result, or install, use and "
    "`apt-get purge --auto-remove` them in one RUN; in optbuild.toml they belong in `apt.build`, not `apt.runtime`"
)


def find_build_tools(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """Whole packages, as dpkg lists them; and compilers that no package owns."""
    chosen = select_build_packages(_collect_dependencies(context))
    owned = context.packages.files
    names = {
        path: one.name
        for index, one in enumerate(context.packages.debian)
        if one.name in chosen
        for path in owned.get(index, ())
    }
    claims, debian = context.packages.ownership.claims, context.packages.debian

    def goes_too(path: str) -> bool:
        owner = claims.get(path)
        return _is_loose_tool(path) if owner is None else owner < len(debian) and debian[owner].name in chosen

    files = ledger.take_all((*names, *_iterate_loose_tools(context)), goes_too)
    for layer, part in group_by_layer(files):
        yield Waste("OB407", f"{_format_tool_names(part, names)}, which only a build needs", _FIX, part, layer)


def _format_tool_names(files: tuple[WastedFile, ...], names: Mapping[str, str]) -> str:
    sums: dict[str, int] = defaultdict(int)
    for file in files:
        sums[names.get(file.path, file.path)] += file.bytes
    return format_short_list(sorted(sums, key=lambda name: (-sums[name], name)), most=5)


def _collect_dependencies(context: WasteContext) -> dict[str, tuple[str, ...]]:
    """Package → what it depends on; dpkg's own and the essential ones need nothing that could go."""
    packages = context.packages.packages[: len(context.packages.debian)]
    return {one.name: package.requires for one, package in zip(context.packages.debian, packages, strict=True)}


def select_build_packages(needs: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """Tools and headers, with the libraries that nothing else needs, and without those that something else needs."""
    chosen = {name for name in needs if _TOOLS.match(name) and not _RUNTIME.match(name)}
    helpers = {name for name in needs if _HELPERS.match(name)}
    users: dict[str, set[str]] = defaultdict(set)
    for name, wanted in needs.items():
        for one in wanted:
            users[one].add(name)
    chosen |= helpers
    while True:
        kept = {one for one in chosen if users[one] - chosen or (one in helpers and not users[one])}
        if not kept:
            return frozenset(chosen)
        chosen -= kept


def _iterate_loose_tools(context: WasteContext) -> Iterator[str]:
    owners = context.packages.ownership.owners
    for folder, placed in context.filesystem.folders.items():
        if _LOOSE_FOLDER.search(folder):
            paths = (one.entry.path for one in placed)
            yield from (path for path in paths if path not in owners and _is_loose_tool(path))


def _is_loose_tool(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return _LOOSE_FOLDER.search(folder) is not None and ("/gcc/" in path or _LOOSE.match(name) is not None)
