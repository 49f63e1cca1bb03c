"""``--filter``, ``--sort`` and ``--keep``: which rows are shown, or may go, and in which order."""

from __future__ import annotations

import difflib
import re
import time
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from builder.core.errors import StoreUsageError
from builder.store.match import match_image
from builder.store.model import RetentionReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from builder.store.model import ImageRow

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
LEAST_KEPT = 2
"""Superseded images of each project that always stay."""
_AGE = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


class SortKey(StrEnum):
    """Bytes and time the largest first, words by the alphabet."""

    SIZE = "size"
    UNIQUE = "unique"
    SHARED = "shared"
    FREES = "frees"
    CREATED = "created"
    NAME = "name"
    STANDING = "standing"


@dataclass(frozen=True)
class RowFilter:
    """``key`` is one of FILTERS."""

    key: str
    value: str


FILTERS = {
    "standing": "standing=dangling (or superseded, unused, 'in use', referenced, protected, 'kept for rollback')",
    "name": "name=postgres:* (a pattern for the image's name)",
    "label": "label=KEY or label=KEY=VALUE (the value may be a pattern)",
    "project": "project=NAME (a compose project that uses or names the image)",
    "older": "older=4d (created longer ago than s, m, h, d, w)",
    "newer": "newer=12h (created less long ago)",
}


def parse_filter(text: str) -> RowFilter:
    """Raises StoreUsageError, which teaches."""
    key, equals, value = text.partition("=")
    known = "\n    ".join(FILTERS.values())
    if not equals or not value:
        raise StoreUsageError(f"--filter {text!r} is not key=value", hint=f"one of\n    {known}")
    if key not in FILTERS:
        near = difflib.get_close_matches(key, FILTERS, n=1)
        guess = f"perhaps you meant {near[0]}=; " if near else ""
        raise StoreUsageError(f"--filter {text!r}: there is no key {key!r}", hint=f"{guess}one of\n    {known}")
    if key == "standing":
        value = _parse_standing(value)
    if key in {"older", "newer"}:
        parse_age(value, f"--filter {key}")
    return RowFilter(key, value)


def _parse_standing(value: str) -> str:
    words = [one.value for one in RetentionReason]
    wanted = value.replace("-", " ").replace("_", " ").lower()
    if wanted not in words:
        near = difflib.get_close_matches(wanted, words, n=1)
        guess = f"perhaps you meant {near[0]!r}; " if near else ""
        raise StoreUsageError(f"--filter standing={value}: no such standing", hint=f"{guess}one of {', '.join(words)}")
    return wanted


def parse_age(text: str, option: str) -> float:
    """``4d`` as seconds. Raises StoreUsageError."""
    found = _AGE.fullmatch(text.strip())
    if found is None:
        raise StoreUsageError(f"{option} {text!r} is not an age", hint="a number and s, m, h, d or w: 90m, 12h, 4d, 2w")
    return float(found[1]) * _UNITS[found[2]]


def parse_sort(text: str) -> SortKey:
    """Raises StoreUsageError."""
    if text in tuple(SortKey):
        return SortKey(text)
    *others, last = SortKey
    raise StoreUsageError(f"--sort {text!r}: use {', '.join(others)} or {last}")


def check_keep(number: int) -> int:
    """Raises StoreUsageError."""
    if number < LEAST_KEPT:
        raise StoreUsageError(f"--keep {number}: at least {LEAST_KEPT} stay for a rollback")
    return number


def filter_rows(
    rows: Iterable[ImageRow], filters: Iterable[RowFilter], *, now: float | None = None
) -> tuple[ImageRow, ...]:
    """Filters of one key are alternatives, those of different keys must all hold, as in `docker images`."""
    by_key: dict[str, list[RowFilter]] = {}
    for one in filters:
        by_key.setdefault(one.key, []).append(one)
    at = time.time() if now is None else now
    return tuple(
        row for row in rows if all(any(_matches_filter(row, one, at) for one in group) for group in by_key.values())
    )


def _matches_filter(row: ImageRow, one: RowFilter, now: float) -> bool:
    match one.key:
        case "standing":
            return row.verdict.standing.value == one.value
        case "name":
            return bool(match_image(one.value, row.image))
        case "label":
            key, equals, wanted = one.value.partition("=")
            value = row.image.layers.labels.get(key)
            return value is not None and (not equals or fnmatchcase(value, wanted))
        case "project":
            return any(fnmatchcase(project, one.value) for project in row.projects)
        case _:
            old = now - row.image.came_at >= parse_age(one.value, "--filter")
            return old if one.key == "older" else not old


_BYTES: dict[SortKey, Callable[[ImageRow], int | None]] = {
    SortKey.SIZE: lambda row: row.unpacked,
    SortKey.UNIQUE: lambda row: row.unique,
    SortKey.SHARED: lambda row: row.shared,
    SortKey.FREES: lambda row: row.frees,
}


def sort_rows(rows: Iterable[ImageRow], by: SortKey) -> tuple[ImageRow, ...]:
    """Those without a figure come last; equal ones by name."""

    def key(row: ImageRow) -> tuple[float, str, str]:
        name = next(iter(row.image.names), "~")
        if by in _BYTES:
            amount = _BYTES[by](row)
            return (1.0 if amount is None else -float(amount), name, row.image.id)
        if by is SortKey.CREATED:
            return (-row.image.came_at, name, row.image.id)
        place = float(tuple(RetentionReason).index(row.verdict.standing)) if by is SortKey.STANDING else 0.0
        return (place, name, row.image.id)

    return tuple(sorted(rows, key=key))
