"""Who needs whom among the distributions of an image: requirements whose markers hold there (PEP 508)."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.inspect.packages.distributions import normalize_name
from builder.inspect.packages.markers import evaluate_marker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from builder.inspect.packages.distributions import Distribution

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([^\]]*)\])?")
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']|["']([^"']+)["']\s*==\s*extra""")


@dataclass(frozen=True)
class DependencyEdge:
    """``extra`` of the one that requires, without which it does not; empty: it always does."""

    target: str
    extra: str = ""
    wants: tuple[str, ...] = ()
    """Extras of the target that are asked for with it."""


@dataclass(frozen=True)
class ReachablePackages:
    """What some roots bring."""

    before: Mapping[str, tuple[str, str]] = field(repr=False)
    """Name → who brought it, and how that is written: ``pandas[excel]`` where only an extra leads there.

    Empty for a root. Steps, not whole ways: those of a long chain would fill the memory.
    """
    extras: Mapping[str, frozenset[str]] = field(repr=False)
    """Name → its extras that somebody asks for."""

    def find_path(self, name: str) -> tuple[str, ...]:
        """The shortest one to ``name``, root first; empty: nothing leads there."""
        found: list[str] = []
        shown = name if name in self.before else ""
        while shown:
            found.append(shown)
            name, shown = self.before[name]
        return tuple(reversed(found))


@dataclass(frozen=True)
class DependencyGraph:
    """Normalised names. An extra counts when somebody asks for it, or when nothing else explains what it brings."""

    edges: Mapping[str, tuple[DependencyEdge, ...]] = field(repr=False)

    @property
    def required(self) -> frozenset[str]:
        """What anything here needs, also where nobody asks for an extra of it."""
        return frozenset(edge.target for edges in self.edges.values() for edge in edges if not edge.extra)

    def find_reachable(self, roots: Iterable[str]) -> ReachablePackages:
        """Everything that ``roots`` (``name`` or ``name[extra]``) bring."""
        before: dict[str, tuple[str, str]] = {}
        extras: dict[str, set[str]] = {}
        for root in sorted(roots):
            name, wanted = parse_requirement(root)
            extras.setdefault(name, set()).update(wanted)
            before.setdefault(name, ("", ""))
        self._walk(before, extras, deque(before), every_extra=False)
        active = {name: frozenset(wanted) for name, wanted in extras.items()}
        self._walk(before, extras, deque(before), every_extra=True)
        return ReachablePackages(before, active)

    def _walk(
        self, before: dict[str, tuple[str, str]], extras: dict[str, set[str]], todo: deque[str], *, every_extra: bool
    ) -> None:
        while todo:
            name = todo.popleft()
            for edge in self.edges.get(name, ()):
                if edge.extra and not every_extra and edge.extra not in extras.get(name, ()):
                    continue
                known = extras.setdefault(edge.target, set())
                news = set(edge.wants) - known
                known |= news
                if edge.target not in before:
                    before[edge.target] = (name, f"{name}[{edge.extra}]" if edge.extra else name)
                elif not news:
                    continue
                todo.append(edge.target)


def parse_requirement(requirement: str) -> tuple[str, tuple[str, ...]]:
    """Normalised name and extras of ``Name[extra]>=1``; an empty name where it is not a requirement."""
    found = _REQUIREMENT.match(requirement)
    if found is None:
        return "", ()
    return normalize_name(found[1]), tuple(
        normalize_name(one.strip()) for one in (found[2] or "").split(",") if one.strip()
    )


def build_graph(distributions: Iterable[Distribution], platform: str, python: str) -> DependencyGraph:
    """``python`` (``3.11``) where a distribution's folder does not say; ``platform`` as the image says it."""
    distributions = tuple(distributions)
    names = frozenset(one.name for one in distributions)
    edges: dict[str, tuple[DependencyEdge, ...]] = {}
    for one in distributions:
        found = _iterate_edges(one, names, (platform, one.python or python))
        edges[one.name] = tuple(dict.fromkeys((*edges.get(one.name, ()), *found)))
    return DependencyGraph(edges)


def _iterate_edges(one: Distribution, names: frozenset[str], where: tuple[str, str]) -> Iterator[DependencyEdge]:
    for text in one.requires:
        target, wants = parse_requirement(text)
        if target not in names or target == one.name:
            continue
        marker = text.partition(";")[2].strip()
        if not marker:
            yield DependencyEdge(target, "", wants)
        elif (extra := _find_extra(marker)) is not None and evaluate_marker(marker, *where, extra):
            yield DependencyEdge(target, normalize_name(extra), wants)


def _find_extra(marker: str) -> str | None:
    """The extra that the marker asks for; empty: none."""
    found = _EXTRA.search(marker)
    return "" if found is None else found[1] or found[2]
