"""OB211: services that can start before the database's tables are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.airflow.commands import PREPARING_COMMANDS
from builder.airflow.find import TABLE_READERS
from builder.airflow.variables import CONNECTION, MIGRATE_VARIABLES
from builder.compose.load.combination_list import has_deploy_keys
from builder.compose.services.database import parse_sqlite_path
from builder.compose.services.dependencies import COMPLETED, find_all_dependencies
from builder.compose.services.settings import find_mounted_place
from builder.compose.services.start_commands import (
    is_known_image,
    is_official_image,
    is_unseen_program,
    list_program_calls,
    resolve_argv,
    runs_official_entrypoint,
)
from builder.core.phrases import choose_verb, join_names
from builder.findings.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.model import Project
    from builder.compose.rules.airflow import AirflowService
    from builder.compose.rules.context import RuleContext

CODE = "OB211"
HEALTHY = "service_healthy"
_WAITING = ("check-migrations", "sleep", "wait", "nc")
"""Words of commands by which a start waits for something on its own."""


def find_early_readers(context: RuleContext) -> Iterator[Finding]:
    """One finding, with all services that nothing makes wait.

    Silent where nobody of the project migrates, where the one who does is behind a profile (started by hand), and about
    services with a script or an image of their own, which may wait.
    """
    migrating = [one for one in context.airflow_services if _migrates(one) and not one.service.profiles]
    if not migrating:
        return
    early = [
        one
        for one in context.airflow_services
        if _needs_tables(one) and not _is_ordered(context.project, one, migrating)
    ]
    if early:
        yield _make_finding(context, early, migrating[0])


def _migrates(one: AirflowService) -> bool:
    if any(call[:size] in PREPARING_COMMANDS for call in one.start.calls for size in (1, 2)):
        return True
    asked = any(one.settings.environment.get(name) for name in MIGRATE_VARIABLES)
    return "standalone" in one.start.roles or (
        asked and is_official_image(one.service, one.facts) and runs_official_entrypoint(one.service, one.facts)
    )


def _needs_tables(one: AirflowService) -> bool:
    """Surely, and nothing in its own start sees to them."""
    if not TABLE_READERS & set(one.start.roles) or _migrates(one) or not is_known_image(one.service, one.facts):
        return False
    calls = tuple(list_program_calls(resolve_argv(one.service, one.facts) or ()))
    return not any(
        is_unseen_program(call) or any(word.startswith(_WAITING) for word in (call.program, *call.words[1:]))
        for call in calls
    )


def _is_ordered(project: Project, one: AirflowService, migrating: list[AirflowService]) -> bool:
    """Whether Compose starts it only after a migration, or it may have another database, as a file of its own is."""
    mine = one.settings.find_setting(CONNECTION, one.version)
    file = parse_sqlite_path((mine and mine[1]) or "")
    if file is not None and find_mounted_place(one.service, file) is None:
        return True
    theirs = [other.settings.find_setting(CONNECTION, other.version) for other in migrating]
    if mine is not None and None not in theirs and mine[1] not in {found[1] for found in theirs if found}:
        return True
    names = {other.name for other in migrating}
    waiting = (one.name, *find_all_dependencies(project, one.name))
    return any(
        dependency in names and condition in {COMPLETED, HEALTHY}
        for name in waiting
        for dependency, condition in project.services[name].depends_on.items()
    )


def _make_finding(context: RuleContext, early: list[AirflowService], migrating: AirflowService) -> Finding:
    names = tuple(one.name for one in early)
    lasts = bool(migrating.start.roles)
    circular = any(one.name in find_all_dependencies(context.project, migrating.name) for one in early)
    unordered = circular or _is_deployed_as_stack(context.project)
    condition = HEALTHY if lasts else COMPLETED
    needs = f"   # once {migrating.name} has a health check" if lasts and not migrating.service.health_test else ""
    restarting = [one.name for one in early if one.service.restart not in {None, "no"}]
    begun = [one.name for one in early if migrating.name in one.service.depends_on]
    details = (
        *([f"`depends_on` of {join_names(begun)} waits only until {migrating.name} has started"] if begun else ()),
        *(
            [f"`restart` starts {join_names(restarting)} again until the tables are there, with errors until then"]
            if restarting
            else ()
        ),
    )
    return Finding(
        CODE,
        context.line(context.project, names[0], "depends_on"),
        f"{join_names(names)} can start before {migrating.name} has migrated the database: nothing makes "
        f"{choose_verb(names, 'it', 'them')} wait for that",
        names,
        f"let `airflow db check-migrations` go before it in the command of {join_names(names)}"
        if unordered
        else f"depends_on:\n  {migrating.name}:\n    condition: {condition}{needs}",
        details,
    )


def _is_deployed_as_stack(project: Project) -> bool:
    """Whether its files say how a stack is deployed: `docker stack` waits for nobody, and refuses conditions."""
    conditions = {condition for one in project.services.values() for condition in one.depends_on.values()}
    return conditions <= {"service_started"} and any(map(has_deploy_keys, project.sources.values()))
