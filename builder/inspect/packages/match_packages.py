"""Which package of one image is which package of another."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from builder.inspect.model import Package, PackageKey


def match_packages(
    before: Iterable[Package], after: Iterable[Package]
) -> Iterator[tuple[PackageKey, Package | None, Package | None]]:
    """Every package of both once; None where the other image has none of its name left."""
    old, new = _group_by_key(before), _group_by_key(after)
    for key in {*old, *new}:
        for one, other in _pair_copies(old.get(key, []), new.get(key, [])):
            yield key, one, other


def _group_by_key(packages: Iterable[Package]) -> dict[PackageKey, list[Package]]:
    found: dict[PackageKey, list[Package]] = defaultdict(list)
    for package in sorted(packages, key=lambda one: (one.folder, one.architecture, one.version)):
        found[package.key].append(package)
    return found


def _pair_copies(old: list[Package], new: list[Package]) -> Iterator[tuple[Package | None, Package | None]]:
    """The same name may be there twice: in two folders, or for two architectures. Then the same place goes first."""
    rest = list(new)
    left = []
    for one in old:
        same = next((o for o in rest if (o.folder, o.architecture) == (one.folder, one.architecture)), None)
        if same is None:
            left.append(one)
        else:
            rest.remove(same)
            yield one, same
    yield from zip(left, rest, strict=False)
    yield from ((one, None) for one in left[len(rest) :])
    yield from ((None, other) for other in rest[len(left) :])
