"""OB207: Airflow without a database connection."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.airflow.find import is_before, list_read_names
from builder.airflow.variables import CONNECTION, EXECUTOR, HOME
from builder.compose.services.database import parse_sqlite_path
from builder.compose.services.settings import find_mounted_place
from builder.core.phrases import choose_verb, join_names
from builder.findings.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.rules.airflow import AirflowService
    from builder.compose.rules.context import RuleContext

_DATABASE_FILE = "airflow.db"


@dataclass(frozen=True)
class _OwnFile:
    """A service that keeps the metadata in a SQLite file. ``says``: why, behind its name; ``fix``: what to write."""

    airflow: AirflowService
    path: str
    """Empty: not known."""
    says: str
    fix: str


def find_missing_connections(context: RuleContext) -> Iterator[Finding]:
    """One finding for each reason, where whole groups of Airflow services have a SQLite file each.

    Silent where the connection may be set elsewhere: a configuration file, a script or an image of one's own, an
    env_file that Compose could not read; and where one volume holds the file of all of them.
    """
    known = {one.name: one for one in context.airflow_services}
    found: list[_OwnFile] = []
    for group in context.groups:
        own = [_find_own_file(known[name]) for name in group.names if name in known]
        found += [one for one in own if one is not None] if all(own) else []
    if len(found) < 2 or _is_one_file(found):
        return
    for says in dict.fromkeys(one.says for one in found):
        yield _make_connection_finding(context, [one for one in found if one.says == says])


def _find_own_file(one: AirflowService) -> _OwnFile | None:
    """None: it has a connection, or it may have one."""
    name = list_read_names(CONNECTION, one.version)[0]
    fix = f"{name}: postgresql+psycopg2://USER:PASSWORD@HOST/DATABASE  # in the environment of all of them"
    setting = one.settings.find_setting(CONNECTION, one.version)
    if setting is not None:
        path = parse_sqlite_path(setting[1] or "")
        if path is None:
            return None
        executor = one.settings.find_value(EXECUTOR, one.version)
        refused = f"; with {executor} Airflow {one.version} refuses to start" if _is_refused(one, executor) else ""
        return _OwnFile(one, path, f"a sqlite: address in {setting[0]}{refused}", fix)
    if not one.settings.is_complete:
        return None
    path = posixpath.join(one.settings.home or HOME, _DATABASE_FILE)
    unread = one.settings.find_unread_name(CONNECTION, one.version)
    if unread is not None:
        return _OwnFile(
            one, path, f"{unread}, which Airflow {one.version} does not read", f"{name}: ...  # not {unread}"
        )
    return _OwnFile(one, path, f"no {name}", fix)


def _is_refused(one: AirflowService, executor: str) -> bool:
    """Up to 2.x, only executors that run one task at a time take SQLite."""
    return bool(executor) and "Sequential" not in executor and is_before(one.version, "3.0.0")


def _is_one_file(found: list[_OwnFile]) -> bool:
    """Whether one folder of the host, or one named volume, holds the file of all."""
    places = {find_mounted_place(one.airflow.service, one.path) for one in found}
    return len(places) == 1 and None not in places


def _make_connection_finding(context: RuleContext, found: list[_OwnFile]) -> Finding:
    names = tuple(one.airflow.name for one in found)
    return Finding(
        "OB207",
        context.line(context.project, names[0], "environment"),
        f"{join_names(names)} {choose_verb(names, 'has', 'have')} {found[0].says}: each uses a SQLite file inside its "
        "own container",
        names,
        found[0].fix,
    )
