"""Start commands that an Airflow version deprecates, lost, or does not have yet, as one table.

Sources: the subcommands and the ``legacy_commands`` table of each major's command line, read in the wheels of 1.10.9
to 3.3.2; the release notes of 2.7.0 (``db migrate`` is new; ``db init`` and ``db upgrade`` deprecated) and 3.0.0
(both removed; ``webserver`` became ``api-server``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import Version

from builder.airflow.find import ALL_MIGRATE_COMMANDS, LATEST, find_series, parse_version

if TYPE_CHECKING:
    from builder.airflow.model import FabSource

GROUPS = frozenset({"db", "celery", "users", "dags", "tasks", "jobs", "connections", "variables", "pools", "config"})
"""Subcommands that have subcommands."""
FAB_COMMANDS = frozenset({"users", "roles", "sync-perm", "fab-db"})
"""Of Airflow up to 2.x; the FAB provider's after that, which brings ``fab-db`` with Airflow 3 alone."""
PREPARING_COMMANDS = frozenset({*ALL_MIGRATE_COMMANDS, ("db", "init"), ("initdb",)})
"""Words that bring the database's tables up to the version, under whatever name: nothing is gained by two of them."""
_CONNECTIONS = (
    "`db migrate` no longer makes the default connections; `airflow connections create-default-connections` does, "
    "if a DAG uses one of them"
)
_NEW_NAMES = "1.10.14"
"""The first version that knows the names of 2.0 beside those of 1.x."""


@dataclass(frozen=True)
class CommandChange:
    """``words`` (those behind ``airflow``) were deprecated, removed, or added with a version."""

    words: tuple[str, ...]
    instead: tuple[str, ...] = ()
    """Empty: nothing does the same."""
    deprecated: str | None = None
    removed: str | None = None
    added: str | None = None
    note: str | None = None
    before: tuple[str, ...] = ()
    """What the versions before ``added`` have; empty: ``instead``."""


_RENAMED = {
    ("upgradedb",): ("db", "upgrade"),
    ("initdb",): ("db", "init"),
    ("resetdb",): ("db", "reset"),
    ("checkdb",): ("db", "check"),
    ("worker",): ("celery", "worker"),
    ("flower",): ("celery", "flower"),
    ("create_user",): ("users", "create"),
    ("list_users",): ("users", "list"),
    ("delete_user",): ("users", "delete"),
    ("trigger_dag",): ("dags", "trigger"),
    ("list_dags",): ("dags", "list"),
    ("unpause",): ("dags", "unpause"),
    ("pause",): ("dags", "pause"),
}
"""Name of 1.x → name of 2.0."""

CHANGES = (
    CommandChange(
        ("db", "init"), ("db", "migrate"), "2.7.0", "3.0.0", _NEW_NAMES, note=_CONNECTIONS, before=("initdb",)
    ),
    CommandChange(("db", "upgrade"), ("db", "migrate"), "2.7.0", "3.0.0", _NEW_NAMES, before=("upgradedb",)),
    CommandChange(("db", "migrate"), ("db", "upgrade"), added="2.7.0"),
    CommandChange(
        ("webserver",),
        ("api-server",),
        removed="3.0.0",
        note="its health is at /api/v2/monitor/health, and a separate `dag-processor` reads the DAGs",
    ),
    CommandChange(("api-server",), ("webserver",), added="3.0.0"),
    CommandChange(("dags", "backfill"), ("backfill", "create"), removed="3.0.0"),
    CommandChange(("triggerer",), added="2.2.0"),
    CommandChange(("standalone",), added="2.2.0"),
    CommandChange(("dag-processor",), added="2.3.0"),
    CommandChange(("jobs",), added="2.1.0"),
    CommandChange(("initdb",), ("db", "migrate"), removed="2.0.0", note=_CONNECTIONS),
    CommandChange(("upgradedb",), ("db", "migrate"), removed="2.0.0"),
    *(CommandChange(old, new, removed="2.0.0") for old, new in _RENAMED.items() if old not in PREPARING_COMMANDS),
    *(CommandChange(new, old, added=_NEW_NAMES) for old, new in _RENAMED.items() if new not in PREPARING_COMMANDS),
)


@dataclass(frozen=True)
class CommandProblem:
    """``says``: the end of a sentence that begins with the command."""

    change: CommandChange
    says: str
    instead: tuple[str, ...]
    """In words that the version has; empty: nothing does the same."""
    since: str | None = None
    """``instead`` came with this version, and which one this is is not known."""
    is_fatal: bool = False
    """This version does not know the words, so the container ends at once."""


def check_command(call: tuple[str, ...], version: str | None) -> CommandProblem | None:
    """What is wrong with ``airflow <call>`` in this version; None: nothing that is known.

    Without a version only what every version since 2.7 deprecates is reported, with that condition in the text.
    """
    known = parse_version(version)
    for change in CHANGES:
        if call[: len(change.words)] != change.words:
            continue
        if known is None:
            says = _describe_deprecation(change)
            return None if says is None else CommandProblem(change, says, change.instead, change.deprecated)
        says = _describe_change(change, known, version or "")
        if says is None:
            return None
        instead = _choose_replacement(change, known)
        return CommandProblem(change, says, instead, is_fatal=not _has_command(change, known))
    return None


def find_fab_source(call: tuple[str, ...], version: str | None) -> FabSource | None:
    """What a command needs that Airflow had itself once; None: nothing, or the version is not known."""
    series = find_series(version)
    return None if series is None or call[0] not in FAB_COMMANDS else series.fab_commands


def _choose_replacement(change: CommandChange, version: Version) -> tuple[str, ...]:
    """In words that the version has."""
    instead = change.instead
    if change.before and change.added is not None and version < Version(change.added):
        instead = change.before
    series = find_series(str(version))
    return (series or LATEST).migrate if instead in ALL_MIGRATE_COMMANDS else instead


def _has_command(change: CommandChange, version: Version) -> bool:
    is_there = change.added is None or version >= Version(change.added)
    return is_there and (change.removed is None or version < Version(change.removed))


def _describe_change(change: CommandChange, version: Version, shown: str) -> str | None:
    if change.added is not None and version < Version(change.added):
        return f"came with Airflow {shorten_version(change.added)}; this is {shown}"
    if change.removed is not None and version >= Version(change.removed):
        return (
            f"was removed in Airflow {shorten_version(change.removed)}; this is {shown}, so the container ends at once"
        )
    if change.deprecated is not None and version >= Version(change.deprecated):
        gone = f" and is gone in {shorten_version(change.removed)}" if change.removed else ""
        return f"is deprecated since Airflow {shorten_version(change.deprecated)}{gone}; this is {shown}"
    return None


def _describe_deprecation(change: CommandChange) -> str | None:
    if change.deprecated is None or change.removed is None:
        return None
    return (
        f"is deprecated since Airflow {shorten_version(change.deprecated)} and gone in "
        f"{shorten_version(change.removed)} "
        "(which version this is cannot be read here)"
    )


def shorten_version(version: str) -> str:
    """``2.7`` of ``2.7.0``."""
    return version.removesuffix(".0")
