"""Who depends on whom in a bill of materials: every component has an entry, and each can be reached from the image."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cyclonedx.model.bom_ref import BomRef
    from cyclonedx.model.component import Component
    from cyclonedx.model.dependency import Dependency

    from builder.inspect.model import Package

PackageComponent = tuple["Package", "Component"]
BomGraph = dict["BomRef", list["BomRef"]]


def list_dependencies(
    image: Component, made: Sequence[PackageComponent], system: Sequence[Component]
) -> list[Dependency]:
    """``system`` is the operating system, where it is known."""
    from cyclonedx.model.dependency import Dependency  # 0.2 s

    graph = _build_graph(made)
    asked_for = [component.bom_ref for package, component in made if package.asked_for]
    roots = [*(one.bom_ref for one in system), *_find_graph_roots(graph, asked_for)]
    edges: BomGraph = {image.bom_ref: roots, **{one.bom_ref: [] for one in system}, **graph}
    return [Dependency(one, [Dependency(other) for other in others]) for one, others in edges.items()]


def _build_graph(made: Iterable[PackageComponent]) -> BomGraph:
    """What a component carries inside itself it depends on as well."""
    by_name: dict[tuple[str, str], list[PackageComponent]] = defaultdict(list)
    for package, component in made:
        by_name[package.key].append((package, component))
    graph: BomGraph = {}
    for package, component in made:
        needed = [one for name in package.requires for one in _find_components(package, name, by_name)]
        graph[component.bom_ref] = [one.bom_ref for one in (*needed, *component.components) if one is not component]
        graph |= {one.bom_ref: [] for one in component.components}
    return graph


def _find_components(
    package: Package, name: str, by_name: Mapping[tuple[str, str], list[PackageComponent]]
) -> list[Component]:
    """Of several copies the one in the same folder."""
    there = by_name.get((package.key.kind, name), [])
    near = [component for one, component in there if one.folder == package.folder]
    return near or [component for _, component in there]


def _find_graph_roots(graph: BomGraph, asked_for: Sequence[BomRef]) -> list[BomRef]:
    """What was asked for, what nothing else needs, and one of each circle that is left."""
    needed = {one for others in graph.values() for one in others}
    roots: list[BomRef] = list(dict.fromkeys((*asked_for, *(one for one in graph if one not in needed))))
    seen = _collect_reached(graph, roots)
    for start in graph:
        if start not in seen:
            roots.append(start)
            seen |= _collect_reached(graph, [start])
    return roots


def _collect_reached(graph: BomGraph, starts: Iterable[BomRef]) -> set[BomRef]:
    seen: set[BomRef] = set()
    todo = list(starts)
    while todo:
        one = todo.pop()
        if one not in seen:
            seen.add(one)
            todo.extend(graph[one])
    return seen
