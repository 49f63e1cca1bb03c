"""Volumes and build cache of an engine, as totals and with what uses them. Only looked at, never touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builder.engine.compose_labels import LABEL_PROJECT
from builder.store.model import BuildCache, Volume

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from builder.store.model import ImageUser


def parse_volumes(answer: Mapping[str, Any], users: Iterable[ImageUser]) -> tuple[Volume, ...]:
    """``answer``: the engine's disk usage, volumes only. The largest first."""
    by_volume: dict[str, list[ImageUser]] = {}
    for user in users:
        for name in user.volumes:
            by_volume.setdefault(name, []).append(user)
    found = [_parse_volume(item, by_volume.get(str(item["Name"]), [])) for item in answer.get("Volumes") or ()]
    return tuple(sorted(found, key=lambda one: (-(one.bytes or 0), one.name)))


def _parse_volume(item: Mapping[str, Any], users: list[ImageUser]) -> Volume:
    size = (item.get("UsageData") or {}).get("Size")
    label = (item.get("Labels") or {}).get(LABEL_PROJECT)
    projects = {*(user.project for user in users), *([str(label)] if label else ())} - {""}
    return Volume(
        str(item["Name"]),
        size if isinstance(size, int) and size >= 0 else None,
        tuple(sorted(user.name for user in users)),
        tuple(sorted(projects)),
    )


def parse_build_cache(answer: Mapping[str, Any]) -> BuildCache:
    """``answer``: the engine's disk usage, build cache only."""
    records = answer.get("BuildCache") or ()
    own = [item for item in records if not item.get("Shared")]
    return BuildCache(
        bytes=sum(int(item.get("Size") or 0) for item in own),
        shared=sum(int(item.get("Size") or 0) for item in records if item.get("Shared")),
        idle=sum(int(item.get("Size") or 0) for item in own if not item.get("InUse")),
        records=len(records),
    )
