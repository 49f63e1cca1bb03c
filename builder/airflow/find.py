"""How to find what the table of Airflow knows, also where the version is not known or no image of ours has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from builder.airflow.model import HttpHealth, JobHealth
from builder.airflow.releases import SERIES
from builder.airflow.variables import (
    AUTH_MANAGER,
    BROKER,
    CONNECTION,
    EXECUTION_API,
    EXECUTOR,
    JWT_KEY_FILE,
    RESULT_BACKEND,
)

if TYPE_CHECKING:
    from builder.airflow.model import KnownRole, ReleaseSeries
    from builder.airflow.variables import ConfigOption

ROLES: tuple[KnownRole, ...] = tuple(dict.fromkeys(one for row in SERIES for one in row.all_roles))
"""Of all versions; one name is there twice where its facts differ between versions."""
REPLACED_ROLES = {
    one: other
    for known in ROLES
    if known.successor is not None
    for one, other in ((known.name, known.successor), (known.successor, known.name))
}
"""A role that only some versions have → the one that does its job in the others."""
LATEST = SERIES[-1]
MIGRATE_COMMANDS = frozenset(row.migrate for row in SERIES if row.python_versions)
"""Words behind ``airflow`` that migrate the database, in any version that an image can have."""
ALL_MIGRATE_COMMANDS = frozenset(row.migrate for row in SERIES)
"""The same in any version at all."""
DISTINCTIVE_COMMANDS = frozenset(known.role.command for known in ROLES if known.is_lasting and known.role.command)
"""First words behind ``airflow`` that hardly anything else is started by."""
WEB_ROLES = frozenset(known.name for known in ROLES if known.login is not None)
"""That people open in a browser."""
TABLE_READERS = frozenset(
    known.name
    for known in ROLES
    if isinstance(known.role.health, HttpHealth | JobHealth) and not known.role.needs_broker
)
"""Roles that end, or repeat errors, without the database's tables. Celery's start without them."""
EXECUTORS = {one.name: one for row in SERIES for one in row.executors}
"""Of any version, by name."""
_SECRETS = {secret.option for row in SERIES for secret in row.secrets}
SHARED_OPTIONS = (
    *(CONNECTION, EXECUTOR, BROKER, RESULT_BACKEND, EXECUTION_API, JWT_KEY_FILE, AUTH_MANAGER),
    *sorted(
        (one for one in _SECRETS if not any(one.name in other.former for other in _SECRETS)), key=lambda one: one.name
    ),
)
"""Those that the containers of one Airflow must agree on, in any version."""
_STARTED = {
    words: known.name
    for known in ROLES
    if known.is_lasting
    for words in (known.role.command, *known.weak_words)
    if words
}


def _list_role_names() -> tuple[str, ...]:
    """Roles that services are named after. Those that end come last, for ``init`` is a word of many names; a name that
    holds another one (``edge-worker``) comes before it."""
    own = {known.name: known.is_lasting for row in SERIES for known in (*row.roles, *row.optional_roles)}
    return tuple(sorted(own, key=lambda name: (not own[name], -sum(other in name for other in own))))


_NAMES = _list_role_names()


def parse_version(version: str | None) -> Version | None:
    """None: the version is not known, or its text is not one."""
    try:
        return Version(version) if version else None
    except InvalidVersion:
        return None


def is_at_least(version: str | None, first: str) -> bool:
    """Whether the version is known, and ``first`` or a later one."""
    parsed = parse_version(version)
    return parsed is not None and parsed >= Version(first)


def is_before(version: str | None, first: str) -> bool:
    """Whether the version is known, and before ``first``."""
    parsed = parse_version(version)
    return parsed is not None and parsed < Version(first)


def find_series(version: str | None) -> ReleaseSeries | None:
    """The row of a version, the first one for all before it; None: the version is not known."""
    parsed = parse_version(version)
    if parsed is None:
        return None
    return next((row for row in reversed(SERIES) if Version(row.first) <= parsed), SERIES[0])


def find_role(name: str, version: str | None) -> KnownRole | None:
    """The role in this version, or the one that does its job there.

    Where the version is not known or has neither, what all versions that have the role agree on; None: they do not.
    """
    found = [known for known in ROLES if known.name == name]
    series = find_series(version)
    here = () if series is None else series.all_roles
    names = (name, *(known.successor for known in found if known.successor))
    own = next((known for one in names for known in here if known.name == one), None)
    return own or _choose_agreed_role(found)


def _choose_agreed_role(found: list[KnownRole]) -> KnownRole | None:
    """The newest of a name, where no two say another thing about how one sees that it works."""
    told = [known for known in found if known.role.health is not None]
    if len({known.role.health for known in told}) > 1:
        return None
    return next(reversed(told or found), None)


def find_health_since(known: KnownRole) -> str | None:
    """The version since which one can see so that the role works; None: since it exists."""
    having = [row for row in SERIES if any(one.name == known.name for one in row.all_roles)]
    first = next(row for row in having if any(_is_seen_alike(one, known) for one in row.all_roles))
    return None if first is having[0] else first.first


def _is_seen_alike(one: KnownRole, other: KnownRole) -> bool:
    return (one.name, one.role.health) == (other.name, other.role.health)


def list_read_names(option: ConfigOption, version: str | None) -> tuple[str, ...]:
    """The variables by which this version takes the option, in its order; all of them where it is not known."""
    parsed = parse_version(version)
    if parsed is None:
        return option.names
    if option.until is not None and parsed >= Version(option.until):
        return ()
    own = (option.name,) if option.since is None or parsed >= Version(option.since) else ()
    former = option.former if option.former_until is None or parsed < Version(option.former_until) else ()
    return (*own, *former)


def find_started_role(call: tuple[str, ...]) -> str | None:
    """The role that goes on after ``airflow <call>`` until it is stopped; None: it ends, or nothing is known."""
    return _STARTED.get(call[:1]) or _STARTED.get(call[:2])


def find_named_role(text: str) -> str | None:
    """The role that a service's name promises (``airflow-webserver``, ``dag_processor``)."""
    text = text.lower().replace("_", "-")
    return next((name for name in _NAMES if name in text or name.replace("-", "") in text), None)
