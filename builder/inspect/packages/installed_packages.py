"""The packages of an image: what dpkg and the distributions say, with the bytes of what they own."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from builder.inspect.model import Package, PackageKey
from builder.inspect.packages.debian import find_debian_packages
from builder.inspect.packages.distributions import find_distributions
from builder.inspect.packages.owners import assign_owners
from builder.inspect.packages.requirement_graph import build_graph, parse_requirement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from builder.inspect.filesystem import ImageFilesystem
    from builder.inspect.packages.debian import DebianPackage
    from builder.inspect.packages.distributions import Distribution
    from builder.inspect.packages.owners import Ownership
    from builder.inspect.packages.requirement_graph import DependencyGraph, ReachablePackages

INSTALLERS = frozenset({"pip", "setuptools", "wheel", "uv", "distribute"})
"""What is in a ``site-packages`` because it installs into it."""


@dataclass(frozen=True)
class ImagePackages:
    """``packages[i]`` is what ``debian`` and then ``distributions`` have at i; owners are such indexes."""

    packages: tuple[Package, ...]
    debian: tuple[DebianPackage, ...] = field(repr=False)
    distributions: tuple[Distribution, ...] = field(repr=False)
    graph: DependencyGraph = field(repr=False)
    """Of the distributions."""
    reach: ReachablePackages = field(repr=False)
    ownership: Ownership = field(repr=False)
    roots: frozenset[str] = field(repr=False)
    """Python requirements that everything else is there for; empty: not known."""
    roots_known: bool
    """Whether somebody said so; else they are what nothing else needs."""

    @cached_property
    def files(self) -> Mapping[int, tuple[str, ...]]:
        """Index of a package → the visible files that it owns."""
        found: dict[int, list[str]] = defaultdict(list)
        for path, index in self.ownership.owners.items():
            found[index].append(path)
        return {index: tuple(paths) for index, paths in found.items()}

    def find_claimant(self, path: str) -> Distribution | None:
        """The distribution that names ``path``, be it a further name of a file that counts elsewhere."""
        index = self.ownership.claims.get(path, -1) - len(self.debian)
        return self.distributions[index] if index >= 0 else None


def find_packages(filesystem: ImageFilesystem, asked_for: Iterable[str]) -> ImagePackages:
    """``asked_for``: requirements (``pandas``, ``apache-airflow[postgres]``) and names of Debian packages."""
    asked_for = frozenset(asked_for)
    debian = find_debian_packages(filesystem)
    distributions = find_distributions(filesystem)
    ownership = assign_owners(filesystem, [*(one.files for one in debian), *(one.files for one in distributions)])
    graph = build_graph(distributions, filesystem.content.platform, _find_main_python(distributions))
    roots, known = _find_requirement_roots(distributions, graph, asked_for)
    wanted = frozenset(parse_requirement(root)[0] for root in roots) if known else frozenset()
    reach = graph.find_reachable(roots)
    made = [
        *_make_debian_packages(debian, asked_for),
        *(_make_python_package(one, graph, reach, wanted) for one in distributions),
    ]
    sized = _add_sizes(made, ownership, filesystem)
    return ImagePackages(sized, debian, distributions, graph, reach, ownership, roots, known)


def _find_main_python(distributions: Sequence[Distribution]) -> str:
    """The version that most distributions are for; Debian's own folder does not name one."""
    counted: dict[str, int] = defaultdict(int)
    for one in distributions:
        counted[one.python] += bool(one.python)
    return max(counted, key=lambda version: (counted[version], version), default="") or "3.11"


def _find_requirement_roots(
    distributions: Sequence[Distribution], graph: DependencyGraph, asked_for: frozenset[str]
) -> tuple[frozenset[str], bool]:
    """What was given counts; else REQUESTED, unless all have it (an installer that was given every pin)."""
    installed = {one.name for one in distributions}
    given = frozenset(one for one in asked_for if parse_requirement(one)[0] in installed)
    if given:
        return given, True
    requested = frozenset(one.name for one in distributions if one.requested)
    if requested and requested | INSTALLERS < installed | INSTALLERS:
        return requested, True
    return frozenset(installed - graph.required), False


def _make_debian_packages(packages: Sequence[DebianPackage], asked_for: frozenset[str]) -> list[Package]:
    names = {one.name for one in packages}
    providers = {virtual: one.name for one in reversed(packages) for virtual in one.provides}
    return [
        Package(
            PackageKey("debian", one.name),
            one.version,
            0,
            0,
            0,
            one.architecture,
            "",
            _resolve_dependencies(one, names, providers),
            one.name in asked_for or one.manual,
        )
        for one in packages
    ]


def _resolve_dependencies(package: DebianPackage, names: set[str], providers: Mapping[str, str]) -> tuple[str, ...]:
    """Of each dependency the first alternative that is installed, or what provides it."""
    found = set()
    for options in package.depends:
        chosen = next((one for one in options if one in names), None)
        chosen = chosen or next((providers[one] for one in options if one in providers), None)
        if chosen is not None and chosen != package.name:
            found.add(chosen)
    return tuple(sorted(found))


def _make_python_package(
    one: Distribution, graph: DependencyGraph, reach: ReachablePackages, wanted: frozenset[str]
) -> Package:
    """It depends on what it always needs, and on what those extras need that somebody asks for."""
    active = reach.extras.get(one.name, frozenset())
    needs = {edge.target for edge in graph.edges.get(one.name, ()) if not edge.extra or edge.extra in active}
    key = PackageKey("python", one.name)
    return Package(key, one.version, 0, 0, 0, "", one.folder, tuple(sorted(needs)), one.name in wanted)


def _add_sizes(packages: Sequence[Package], ownership: Ownership, filesystem: ImageFilesystem) -> tuple[Package, ...]:
    """With the bytes of the files that each owns, and the layer that has most of them."""
    flat: dict[tuple[int, int], int] = defaultdict(int)
    files = filesystem.files
    for path, index in ownership.owners.items():
        layer, entry = files[path]
        flat[index, layer] += entry.size
    sums: dict[int, dict[int, int]] = defaultdict(dict)
    for (index, layer), size in flat.items():
        sums[index][layer] = size
    counts = Counter(ownership.owners.values())
    return tuple(
        replace(one, bytes=sum(sums[index].values()), files=counts[index], layer=_find_largest_layer(sums[index]))
        for index, one in enumerate(packages)
    )


def _find_largest_layer(sums: Mapping[int, int]) -> int:
    """The lowest of the layers that have most."""
    return max(sums, key=lambda layer: (sums[layer], -layer), default=0)
