"""OB408: libraries for a GPU, where the machine has none. Who brings them decides what to do about them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from builder.core.phrases import format_short_list, join_names
from builder.inspect.model import Waste
from builder.inspect.waste.context import group_by_layer
from builder.inspect.waste.gpu_builds import (
    GPU_PROGRAMS,
    GpuPart,
    find_gpu_program,
    is_gpu_library,
    is_only_for_gpu,
    name_backend,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.inspect.model import WastedFile
    from builder.inspect.packages.distributions import Distribution
    from builder.inspect.waste.context import WasteContext, WasteLedger

_INSTEAD = {one.name: one.instead for one in GPU_PROGRAMS}
_ELSEWHERE = "when the image runs on another machine that has a GPU, pass `--gpu yes`"


def find_cuda_libraries(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """One for each set of programs that bring them. Nothing is said where it is not known whether there is a GPU."""
    if context.machine.gpu is not False:
        return

    def goes_too(path: str) -> bool:
        one = context.packages.find_claimant(path)
        return one is not None and _is_useless(one, path)

    files: dict[tuple[str, ...], list[WastedFile]] = defaultdict(list)
    names: dict[tuple[str, ...], list[str]] = defaultdict(list)
    requirers = _index_requirers(context)
    for index, one in enumerate(context.packages.distributions, len(context.packages.debian)):
        paths = [path for path in context.packages.files.get(index, ()) if _is_useless(one, path)]
        if taken := ledger.take_all(paths, goes_too):
            bringers = _find_bringers(one.name, requirers)
            files[bringers] += taken
            names[bringers].append(f"{one.name} {one.version}")
    for bringers, found in files.items():
        for layer, part in group_by_layer(found):
            yield _make_waste(bringers, names[bringers], part, layer, context)
    yield from _note_other_builds(context, {name for bringers in files for name in bringers})


def _is_useless(one: Distribution, path: str) -> bool:
    return is_only_for_gpu(one.name) or (find_gpu_program(one.name) is not None and is_gpu_library(path))


def _index_requirers(context: WasteContext) -> Mapping[str, frozenset[str]]:
    """Distribution → who requires it. An extra counts only where nobody requires it without one."""
    always: dict[str, set[str]] = defaultdict(set)
    by_extra: dict[str, set[str]] = defaultdict(set)
    for name, edges in context.packages.graph.edges.items():
        for edge in edges:
            (by_extra if edge.extra else always)[edge.target].add(name)
    return {name: frozenset(always.get(name) or by_extra[name]) for name in {*always, *by_extra}}


def _find_bringers(name: str, requirers: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """The programs of the table above a distribution, or what else requires it from outside; empty: nothing does."""
    found: set[str] = set()
    todo, seen = [name], {name}
    while todo:
        one = todo.pop()
        program = find_gpu_program(one)
        if program is not None:
            found.add(program.name)
        elif one != name and not is_only_for_gpu(one):
            found.add(one)
        else:
            above = requirers.get(one, frozenset()) - seen
            seen |= above
            todo += above
    return tuple(sorted(found))


def _make_waste(
    bringers: tuple[str, ...], names: list[str], files: tuple[WastedFile, ...], layer: int, context: WasteContext
) -> Waste:
    own = {name.partition(" ")[0] for name in names}
    others = [name for name in bringers if name not in own]
    from_whom = f", which {join_names(others)} {'brings' if len(others) == 1 else 'bring'}" if others else ""
    told = (
        f"libraries for {name_backend(file.path for file in files)} ({format_short_list(names)}){from_whom}, "
        f"and this machine has no GPU: {context.machine.how}"
    )
    fixes = [_INSTEAD.get(name, f"ask whether {name} can do without them") for name in bringers]
    fix = "; ".join((*(fixes or ["nothing here requires them: remove the line that installs them"]), _ELSEWHERE))
    return Waste("OB408", told, context.extend_fix(fix, files), files, layer)


def _note_other_builds(context: WasteContext, told: set[str]) -> Iterator[Waste]:
    """Builds for a GPU of which no file tells how much of it is: without files, because only the other build shows
    how much smaller it is."""
    base = context.filesystem.content.base_layers
    python = context.packages.packages[len(context.packages.debian) :]
    for one, package in zip(context.packages.distributions, python, strict=True):
        program = find_gpu_program(one.name)
        if program is None or program.part is not GpuPart.BUILD or program.name in told or package.layer < base:
            continue
        words = f"{one.name} {one.version} is built for a GPU, and this machine has none: {context.machine.how}"
        yield Waste("OB408", words, f"{program.instead}; {_ELSEWHERE}", (), package.layer)
