"""What ``optbuild lock`` says about a lock, as text and as JSON from the same values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from builder.image.lock.changes import count_lock_totals, list_replacements
from builder.image.lock.present.distributions import list_present_versions
from builder.image.lock.present.packages import list_package_upgrades

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from builder.image.lock.changes import LockChanges, LockTotals, VersionChange
    from builder.image.lock.foundation import Foundation
    from builder.image.lock.model import Lock
    from builder.report.documents.lock import (
        FiguresDocument,
        LockCheckDocument,
        LockDocument,
        LockedBaseDocument,
        MovesDocument,
        VersionChangeDocument,
    )

SCHEMA_VERSION = 1


def format_lock_text(lock: Lock, changes: LockChanges, name: str, *, upgraded: Container[str] = ()) -> str:
    """``upgraded``: names that were asked to move. Any other Debian package moves only because it has to."""
    return "\n".join((*_iterate_total_lines(lock, name), *_iterate_change_lines(lock, changes, upgraded))) + "\n"


def _iterate_total_lines(lock: Lock, name: str) -> Iterator[str]:
    sums = count_lock_totals(lock)
    sdists = f", {sums.sdists} of them built from source" if sums.sdists else ""
    yield f"{name} for {lock.platform}"
    if (base := lock.foundation) is not None:
        yield f"  on {base.short_reference}: Debian {base.debian}, Python {base.python}"
    yield f"  {sums.distributions} Python distributions, {_format_megabytes(sums.distribution_bytes)}{sdists}"
    yield f"  {sums.layers} {'layer' if sums.layers == 1 else 'layers'} of them in the image"
    yield from _iterate_foundation_lines(lock)
    yield f"  {sums.runtime_packages} Debian packages in the image, {_format_megabytes(sums.runtime_bytes)}"
    for upgrade in list_package_upgrades(lock.runtime, lock.foundation):
        yield f"    {upgrade}: takes the place of the base's"
    yield f"  {sums.build_packages} more in the builder stage, {_format_megabytes(sums.build_bytes)}"
    if lock.constraints is not None:
        kept = "all that apply are kept" if not lock.given_up else f"{len(lock.given_up)} could not be kept:"
        yield f"constraints {lock.constraints.version}: {kept}"
        for one in lock.given_up:
            yield f"  {one.name} {one.constrained} -> {one.locked}: {one.forced_by}"


def _iterate_foundation_lines(lock: Lock) -> Iterator[str]:
    """What of a foundation's distributions stays, and what each replacement leaves in the layers below."""
    present = list_present_versions(lock.foundation)
    if lock.foundation is None or not present:
        return
    replaced = list_replacements(lock)
    yield f"  {len(present) - len(replaced)} more are those of {lock.foundation.reference}"
    for one in replaced:
        yield f"  {one}: {_format_megabytes(one.hidden_bytes)} of the base stay hidden below"
    if len(replaced) > 1:
        hidden = sum(one.hidden_bytes for one in replaced)
        yield f"  {len(replaced)} replaced, {_format_megabytes(hidden)} of the base hidden in all"


def _iterate_change_lines(lock: Lock, changes: LockChanges, upgraded: Container[str]) -> Iterator[str]:
    if changes.base is not None:
        yield f"the base moved: {changes.base.old} -> {changes.base.new}"
    count = len(changes.python) + len(changes.debian)
    if count:
        yield f"{count} versions moved:"
    for move in changes.python:
        yield f"  {move}"
    for move in changes.debian:
        forced = move.old and move.new and move.name not in upgraded
        yield f"  {move}: {lock.release} no longer offers {move.old}" if forced else f"  {move}"


def _format_megabytes(count: int | None) -> str:
    return "—" if count is None else f"{count / 1_000_000:.1f} MB"


def format_lock_json(lock: Lock, changes: LockChanges) -> str:
    document: LockDocument = {
        "schema_version": SCHEMA_VERSION,
        "platform": lock.platform,
        "figures": _make_figures_document(count_lock_totals(lock)),
        "given_up": [
            {"name": one.name, "constrained": one.constrained, "locked": one.locked, "forced_by": one.forced_by}
            for one in lock.given_up
        ],
        "replaced": [
            {"name": one.name, "old": one.old, "new": one.new, "hidden_bytes": one.hidden_bytes}
            for one in list_replacements(lock)
        ],
        "base": None if lock.foundation is None else _make_base_document(lock.foundation),
        "moved": make_moves_document(changes),
        "replaced_packages": [
            {"name": one.name, "old": one.old, "new": one.new}
            for one in list_package_upgrades(lock.runtime, lock.foundation)
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _make_figures_document(totals: LockTotals) -> FiguresDocument:
    return {
        "distributions": totals.distributions,
        "sdists": totals.sdists,
        "distribution_bytes": totals.distribution_bytes,
        "runtime_packages": totals.runtime_packages,
        "runtime_bytes": totals.runtime_bytes,
        "build_packages": totals.build_packages,
        "build_bytes": totals.build_bytes,
        "layers": totals.layers,
    }


def _make_base_document(foundation: Foundation) -> LockedBaseDocument:
    return {
        "kind": foundation.kind,
        "reference": foundation.reference,
        "digest": foundation.digest,
        "debian": foundation.debian,
        "glibc": foundation.glibc,
        "python": foundation.python,
    }


def make_moves_document(changes: LockChanges) -> MovesDocument:
    """Of one lock against another, for JSON."""
    return {
        "python": [_make_change_document(one) for one in changes.python],
        "debian": [_make_change_document(one) for one in changes.debian],
        "base": None if changes.base is None else _make_change_document(changes.base),
    }


def _make_change_document(change: VersionChange) -> VersionChangeDocument:
    return {"name": change.name, "old": change.old, "new": change.new}


def format_check_json(differences: tuple[str, ...]) -> str:
    document: LockCheckDocument = {
        "schema_version": SCHEMA_VERSION,
        "current": not differences,
        "differences": list(differences),
    }
    return json.dumps(document, indent=2) + "\n"


def format_check_text(name: str, spec_name: str) -> str:
    """Of a lock that is up to date; one that is not is an error to a person."""
    return f"{name} belongs to {spec_name}.\n"
