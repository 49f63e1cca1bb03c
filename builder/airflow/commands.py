"""Start commands that an Airflow version deprecates, lost, or does not have yet, as one table.

Sources: the subcommands and the ``legacy_commands`` table of each major's command line; the release notes
of 2.7.0 (``db migrate`` is new; ``db init`` and ``db upgrade`` deprecated) and 3.0.0 (both removed; ``webserver``
became ``api-server``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import Version

from builder.airflow.find import LATEST, find_series, parse_version

if TYPE_CHECKING:
    from builder.airflow.model import Series

GROUPS = frozenset({"db", "celery", "users", "dags", "tasks", "jobs", "connections", "variables", "pools", "config"})
"""Subcommands that have subcommands."""
_CONNECTIONS = (
    "`db migrate` no longer makes the default connections; `airflow connections create-default-connections` does, "
    "if a DAG uses one of them"
)


@dataclass(frozen=True)
class Change:
    """``words`` (those behind ``airflow``) were deprecated, removed, or added with a version."""

    words: tuple[str, ...]
    instead: tuple[str, ...]
    deprecated: str | None = None
    removed: str | None = None
    added: str | None = None
    note: str | None = None


CHANGES = (
    Change(("db", "init"), ("db", "migrate"), "2.7.0", "3.0.0", note=_CONNECTIONS),
    Change(("db", "upgrade"), ("db", "migrate"), "2.7.0", "3.0.0"),
    Change(("db", "migrate"), ("db", "upgrade"), added="2.7.0"),
    Change(
        ("webserver",),
        ("api-server",),
        removed="3.0.0",
        note="its health is at /api/v2/monitor/health, and DAGs are read by a `dag-processor` of its own",
    ),
    Change(("api-server",), ("webserver",), added="3.0.0"),
    Change(("dags", "backfill"), ("backfill", "create"), removed="3.0.0"),
    Change(("initdb",), ("db", "migrate"), removed="2.0.0", note=_CONNECTIONS),
    Change(("upgradedb",), ("db", "migrate"), removed="2.0.0"),
    Change(("resetdb",), ("db", "reset"), removed="2.0.0"),
    Change(("checkdb",), ("db", "check"), removed="2.0.0"),
    Change(("worker",), ("celery", "worker"), removed="2.0.0"),
    Change(("flower",), ("celery", "flower"), removed="2.0.0"),
    Change(("create_user",), ("users", "create"), removed="2.0.0"),
    Change(("list_users",), ("users", "list"), removed="2.0.0"),
    Change(("delete_user",), ("users", "delete"), removed="2.0.0"),
    Change(("trigger_dag",), ("dags", "trigger"), removed="2.0.0"),
    Change(("list_dags",), ("dags", "list"), removed="2.0.0"),
    Change(("unpause",), ("dags", "unpause"), removed="2.0.0"),
    Change(("pause",), ("dags", "pause"), removed="2.0.0"),
)


@dataclass(frozen=True)
class Verdict:
    """``says``: the end of a sentence that begins with the command."""

    change: Change
    says: str
    instead: tuple[str, ...]


def judge(call: tuple[str, ...], version: str | None) -> Verdict | None:
    """What is wrong with ``airflow <call>`` in this version; None: nothing that is known.

    Without a version only what every version since 2.7 deprecates is told, with that condition in its words.
    """
    known = parse_version(version)
    for change in CHANGES:
        if call[: len(change.words)] != change.words:
            continue
        says = _unknown(change) if known is None else _known(change, known, version or "")
        if says is None:
            continue
        return Verdict(change, says, _replacement(change, find_series(version)))
    return None


def _replacement(change: Change, series: Series | None) -> tuple[str, ...]:
    """In words that the version has."""
    if change.instead == LATEST.migrate and series is not None:
        return series.migrate
    return change.instead


def _known(change: Change, version: Version, shown: str) -> str | None:
    if change.added is not None and version < Version(change.added):
        return f"came with Airflow {_short(change.added)}; this is {shown}"
    if change.removed is not None and version >= Version(change.removed):
        return f"was removed in Airflow {_short(change.removed)}; this is {shown}, so the container ends at once"
    if change.deprecated is not None and version >= Version(change.deprecated):
        gone = f" and is gone in {_short(change.removed)}" if change.removed else ""
        return f"is deprecated since Airflow {_short(change.deprecated)}{gone}; this is {shown}"
    return None


def _unknown(change: Change) -> str | None:
    if change.deprecated is None or change.removed is None:
        return None
    return (
        f"is deprecated since Airflow {_short(change.deprecated)} and gone in {_short(change.removed)} "
        "(which version this is cannot be read here)"
    )


def _short(version: str) -> str:
    return version.removesuffix(".0")
