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
    from builder.airflow.model import ReleaseSeries

GROUPS = frozenset({"db", "celery", "users", "dags", "tasks", "jobs", "connections", "variables", "pools", "config"})
"""Subcommands that have subcommands."""
_CONNECTIONS = (
    "`db migrate` no longer makes the default connections; `airflow connections create-default-connections` does, "
    "if a DAG uses one of them"
)


@dataclass(frozen=True)
class CommandChange:
    """``words`` (those behind ``airflow``) were deprecated, removed, or added with a version."""

    words: tuple[str, ...]
    instead: tuple[str, ...]
    deprecated: str | None = None
    removed: str | None = None
    added: str | None = None
    note: str | None = None


CHANGES = (
    CommandChange(("db", "init"), ("db", "migrate"), "2.7.0", "3.0.0", note=_CONNECTIONS),
    CommandChange(("db", "upgrade"), ("db", "migrate"), "2.7.0", "3.0.0"),
    CommandChange(("db", "migrate"), ("db", "upgrade"), added="2.7.0"),
    CommandChange(
        ("webserver",),
        ("api-server",),
        removed="3.0.0",
        note="its health is at /api/v2/monitor/health, and a separate `dag-processor` reads the DAGs",
    ),
    CommandChange(("api-server",), ("webserver",), added="3.0.0"),
    CommandChange(("dags", "backfill"), ("backfill", "create"), removed="3.0.0"),
    CommandChange(("initdb",), ("db", "migrate"), removed="2.0.0", note=_CONNECTIONS),
    CommandChange(("upgradedb",), ("db", "migrate"), removed="2.0.0"),
    CommandChange(("resetdb",), ("db", "reset"), removed="2.0.0"),
    CommandChange(("checkdb",), ("db", "check"), removed="2.0.0"),
    CommandChange(("worker",), ("celery", "worker"), removed="2.0.0"),
    CommandChange(("flower",), ("celery", "flower"), removed="2.0.0"),
    CommandChange(("create_user",), ("users", "create"), removed="2.0.0"),
    CommandChange(("list_users",), ("users", "list"), removed="2.0.0"),
    CommandChange(("delete_user",), ("users", "delete"), removed="2.0.0"),
    CommandChange(("trigger_dag",), ("dags", "trigger"), removed="2.0.0"),
    CommandChange(("list_dags",), ("dags", "list"), removed="2.0.0"),
    CommandChange(("unpause",), ("dags", "unpause"), removed="2.0.0"),
    CommandChange(("pause",), ("dags", "pause"), removed="2.0.0"),
)


@dataclass(frozen=True)
class CommandProblem:
    """``says``: the end of a sentence that begins with the command."""

    change: CommandChange
    says: str
    instead: tuple[str, ...]


def check_command(call: tuple[str, ...], version: str | None) -> CommandProblem | None:
    """What is wrong with ``airflow <call>`` in this version; None: nothing that is known.

    Without a version only what every version since 2.7 deprecates is reported, with that condition in the text.
    """
    known = parse_version(version)
    for change in CHANGES:
        if call[: len(change.words)] != change.words:
            continue
        says = _describe_deprecation(change) if known is None else _describe_change(change, known, version or "")
        if says is None:
            continue
        return CommandProblem(change, says, _choose_replacement(change, find_series(version)))
    return None


def _choose_replacement(change: CommandChange, series: ReleaseSeries | None) -> tuple[str, ...]:
    """In words that the version has."""
    if change.instead == LATEST.migrate and series is not None:
        return series.migrate
    return change.instead


def _describe_change(change: CommandChange, version: Version, shown: str) -> str | None:
    if change.added is not None and version < Version(change.added):
        return f"came with Airflow {_shorten_version(change.added)}; this is {shown}"
    if change.removed is not None and version >= Version(change.removed):
        return (
            f"was removed in Airflow {_shorten_version(change.removed)}; this is {shown}, so the container ends at once"
        )
    if change.deprecated is not None and version >= Version(change.deprecated):
        gone = f" and is gone in {_shorten_version(change.removed)}" if change.removed else ""
        return f"is deprecated since Airflow {_shorten_version(change.deprecated)}{gone}; this is {shown}"
    return None


def _describe_deprecation(change: CommandChange) -> str | None:
    if change.deprecated is None or change.removed is None:
        return None
    return (
        f"is deprecated since Airflow {_shorten_version(change.deprecated)} and gone in "
        f"{_shorten_version(change.removed)} "
        "(which version this is cannot be read here)"
    )


def _shorten_version(version: str) -> str:
    return version.removesuffix(".0")
