"""OB218: an Airflow in which no service reads the DAG files, and a dag-processor that ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.airflow.find import LATEST, find_named_role, find_series
from builder.airflow.variables import STANDALONE_PARSER
from builder.compose.rules.airflow import is_start_known, list_airflow_3_services
from builder.compose.services.database import find_database
from builder.core.phrases import choose_verb, join_names
from builder.findings.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from builder.compose.rules.airflow import AirflowService
    from builder.compose.rules.context import RuleContext

CODE = "OB218"
READER, SCHEDULER, STANDALONE = LATEST.dag_reader, "scheduler", "standalone"
_TRUE = ("true", "t", "1")


def find_missing_dag_readers(context: RuleContext) -> Iterator[Finding]:
    """At most one finding: a role is missing, or a version's own switch for it is.

    Silent where something that cannot be seen here may read them: a script, a service that does not say what it
    starts, an Airflow beside this one that has the same database.
    """
    schedulers = [one for one in context.airflow_services if SCHEDULER in one.start.roles]
    readers = [one for one in context.airflow_services if READER in one.start.roles]
    new = {one.name for one in list_airflow_3_services(context.airflow_services)}
    ending = [one for one in readers if one.name not in new and _is_switched_off(one)]
    if ending:
        yield _make_switch_finding(context, ending)
    waiting = [one for one in schedulers if one.name in new or _is_switched_on(one)]
    if waiting and not readers and len(waiting) == len(schedulers) and _is_known_whole(context):
        yield _make_reader_finding(context, waiting, is_new=all(one.name in new for one in waiting))


def _is_switched_on(one: AirflowService) -> bool:
    return one.settings.find_value(STANDALONE_PARSER, one.version).lower() in _TRUE


def _is_switched_off(one: AirflowService) -> bool:
    """Surely. Without a known version it may be Airflow 3, which has no such switch."""
    series = find_series(one.version)
    if series is None or series.dag_reader == READER or not one.settings.is_complete:
        return False
    setting = one.settings.find_setting(STANDALONE_PARSER, one.version)
    return setting is None or (setting[0] == STANDALONE_PARSER.name and not _is_switched_on(one))


def _is_known_whole(context: RuleContext) -> bool:
    """Whether every service says what it starts, and nothing outside of the project shares the database."""
    airflow = {one.name for one in context.airflow_services}
    others = (name for name in context.project.services if name not in airflow)
    if any(find_named_role(name) == READER for name in others):
        return False
    for one in context.airflow_services:
        database = find_database(context.project, one.service, one.facts, one.version)
        if not is_start_known(one) or STANDALONE in one.start.roles or (database and database.is_external):
            return False
    return True


def _make_reader_finding(context: RuleContext, waiting: Sequence[AirflowService], *, is_new: bool) -> Finding:
    names = tuple(one.name for one in waiting)
    why = (
        f"the scheduler of Airflow {waiting[0].version or LATEST.first.partition('.')[0]} does not"
        if is_new
        else f"{STANDALONE_PARSER.name} tells the scheduler not to"
    )
    return Finding(
        CODE,
        context.line(context.project, names[0], "command"),
        f"no service starts `{READER}`, and {why}: nothing reads the DAG files, so no DAG ever appears or changes",
        names,
        f"command: {READER}  # in one more service like {join_names(names)}, with the same volumes",
    )


def _make_switch_finding(context: RuleContext, ending: Sequence[AirflowService]) -> Finding:
    names = tuple(one.name for one in ending)
    return Finding(
        CODE,
        context.line(context.project, names[0], "environment"),
        f"{join_names(names)} {choose_verb(names, 'starts', 'start')} `{READER}`, which Airflow {ending[0].version} "
        f"ends at once unless {STANDALONE_PARSER.name} is true",
        names,
        f"{STANDALONE_PARSER.name}: 'true'  # in the environment of the scheduler too, which leaves it the files then",
    )
