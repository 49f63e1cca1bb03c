"""How to find what the table of Airflow knows, also where the version is not known or no image of ours has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from builder.airflow.releases import SERIES

if TYPE_CHECKING:
    from builder.airflow.model import KnownRole, ReleaseSeries

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
DISTINCTIVE_COMMANDS = frozenset(known.role.command for known in ROLES if known.is_lasting and known.role.command)
"""First words behind ``airflow`` that hardly anything else is started by."""
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
    return own or (found[0] if len(found) == 1 else None)


def find_started_role(call: tuple[str, ...]) -> str | None:
    """The role that goes on after ``airflow <call>`` until it is stopped; None: it ends, or nothing is known."""
    return _STARTED.get(call[:1]) or _STARTED.get(call[:2])


def find_named_role(text: str) -> str | None:
    """The role that a service's name promises (``airflow-webserver``, ``dag_processor``)."""
    text = text.lower().replace("_", "-")
    return next((name for name in _NAMES if name in text or name.replace("-", "") in text), None)
