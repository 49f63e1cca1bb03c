"""Distributions → layers. Pure, and stable: what is added, dropped or bumped moves nothing else."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING

from builder.image.lock.layers.groups import find_position, is_libraries, list_ordered_groups, list_parts
from builder.image.lock.model import FALLBACK_EPOCH, PackageLayer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from builder.image.lock.model import Lock

WHOLE = "python"
"""The name of the one layer, where there is only one."""


def plan_layers(uploads: Mapping[str, int | None], most: int) -> tuple[PackageLayer, ...]:
    """The layers, bottom first; none is empty, and there are at most ``most``.

    ``uploads`` are the normalised names of all distributions, each with its upload time in seconds or None where the
    index does not say. A layer's stamp is the newest of its distributions. Bundled libraries do not count for it: their
    content is in their names, and a release that keeps them must keep their layer.
    """
    members: dict[int, list[str]] = defaultdict(list)
    for part in (part for name in uploads for part in list_parts(name)):
        members[_find_layer_index(part, most)].append(part)
    names = list_layer_names(most)
    return tuple(
        PackageLayer(names[index], tuple(sorted(parts)), _find_stamp(parts, uploads))
        for index, parts in sorted(members.items())
    )


def list_layers(lock: Lock) -> tuple[PackageLayer, ...]:
    """Those of the lock, none where it adds nothing to its foundation; of one that is older than layers, all packages
    as one."""
    if lock.layers or not lock.python:
        return lock.layers
    parts = sorted(part for one in lock.python for part in list_parts(one.name))
    return (PackageLayer(WHOLE, tuple(parts), lock.source_date_epoch),)


@cache
def list_layer_names(most: int) -> tuple[str, ...]:
    """Of every layer that can be, bottom first: a layer is a run of neighbours in the order of the groups.

    So a distribution that lies above another with one ``most`` is never below it with a smaller one.
    """
    runs: list[list[str]] = []
    for group in list_ordered_groups():
        if runs and group.from_max > most:
            runs[-1].append(group.name)
        else:
            runs.append([group.name])
    if len(runs) == 1:
        return (WHOLE,)
    return tuple(run[0] if len(run) == 1 else f"{run[0]}-to-{run[-1]}" for run in runs)


def _find_layer_index(part: str, most: int) -> int:
    lower = list_ordered_groups()[1 : find_position(part) + 1]
    return sum(group.from_max <= most for group in lower)


def _find_stamp(parts: Iterable[str], uploads: Mapping[str, int | None]) -> int:
    return max((uploads[part] or FALLBACK_EPOCH for part in parts if not is_libraries(part)), default=FALLBACK_EPOCH)
