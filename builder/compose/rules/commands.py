"""OB201: start commands that the Airflow version of the image deprecates, lost, or never had, and none at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.airflow.commands import check_command
from builder.airflow.find import LATEST, find_role, find_series
from builder.airflow.variables import AUTH_MANAGER, CONFIG_FILE, CONFIG_VARIABLE, FAB_AUTH_MANAGER, HOME
from builder.compose.rules.airflow import find_airflow_version, uses_airflow
from builder.compose.services.dependencies import is_waited_for
from builder.compose.services.start_commands import (
    StartCommand,
    guess_role,
    is_official_image,
    parse_start_command,
    resolve_argv,
)
from builder.findings.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.model import Service
    from builder.compose.rules.context import RuleContext

CODE = "OB201"
_OWN_CONFIG = (CONFIG_VARIABLE, AUTH_MANAGER.name)


def find_invalid_commands(context: RuleContext) -> Iterator[Finding]:
    """One finding for each service and each thing that is wrong with its start."""
    for service in context.project.services.values():
        if uses_airflow(context, service):
            yield from _check_service(context, service)


def _check_service(context: RuleContext, service: Service) -> Iterator[Finding]:
    facts = context.facts.get(service.name)
    version = find_airflow_version(context, service)
    start = parse_start_command(service, facts)
    if resolve_argv(service, facts) is None and is_official_image(service, facts):
        yield _make_no_command_finding(context, service, version)
    if start.literal and not start.not_passed:
        yield _make_no_shell_finding(context, service, start)
    if start.not_passed:
        yield _make_entrypoint_finding(context, service, start.not_passed)
    told = set()
    for call in start.calls:
        found = _check_call(context, service, call, version)
        if found is not None and found.message not in told:
            told.add(found.message)
            yield found


def _check_call(context: RuleContext, service: Service, call: tuple[str, ...], version: str | None) -> Finding | None:
    verdict = check_command(call, version)
    if verdict is not None:
        change = verdict.change
        details = (change.note,) if change.note and verdict.instead == change.instead else ()
        return Finding(
            CODE,
            context.line(context.project, service.name, _choose_command_key(service)),
            f"{service.name} starts `airflow {' '.join(change.words)}`, which {verdict.says}",
            (service.name,),
            _format_command_fix(service, change.words, verdict.instead),
            details,
        )
    series = find_series(version)
    if call[:1] == ("users",) and series is not None and series.users_need_fab and not _has_fab(context, service):
        return _make_users_finding(context, service, version or "")
    return None


def _choose_command_key(service: Service) -> str:
    return "command" if service.command else "entrypoint" if service.entrypoint else "command"


def _format_command_fix(service: Service, old: tuple[str, ...], new: tuple[str, ...]) -> str:
    """The whole key where it holds nothing else; else which words to replace: the others may hold a password."""
    command = service.command or ()
    begin = command[:1] if command[:1] == ("airflow",) else ()
    if command == (*begin, *old) and not service.entrypoint:
        return f"command: {' '.join((*begin, *new))}"
    return (
        f"replace `{' '.join((*_choose_command_prefix(service), *old))}` by "
        f"`{' '.join((*_choose_command_prefix(service), *new))}`"
    )


def _choose_command_prefix(service: Service) -> tuple[str, ...]:
    """``airflow`` where the file has to say it: the official entrypoint puts it before bare words."""
    first = (service.command or ("",))[0]
    return () if not service.entrypoint and first not in ("airflow", "bash") else ("airflow",)


def _make_no_command_finding(context: RuleContext, service: Service, version: str | None) -> Finding:
    role = find_role(guess_role(service) or "", version)
    words = None if role is None else " ".join(role.role.command if role.is_lasting else LATEST.migrate)
    message = (
        f"{service.name} starts no command, and the Airflow image has none of its own: it prints its help and ends"
        + ("; with `restart` it does so forever" if service.restart not in (None, "no") else "")
    )
    ending = " (others wait until it ends)" if is_waited_for(context.project, service) else ""
    return Finding(
        CODE,
        context.line(context.project, service.name),
        message,
        (service.name,),
        f"command: {words}{ending}" if words else "command: webserver   # or scheduler, triggerer, db migrate, ...",
    )


def _make_no_shell_finding(context: RuleContext, service: Service, start: StartCommand) -> Finding:
    return Finding(
        CODE,
        context.line(context.project, service.name, "command"),
        f"{service.name}: no shell reads this command, so `{start.literal[0]}` and what follows are passed to the "
        "first program as arguments",
        (service.name,),
        "command: bash -c '...'   # with the whole command in the quotes",
    )


def _make_entrypoint_finding(context: RuleContext, service: Service, word: str) -> Finding:
    return Finding(
        CODE,
        context.line(context.project, service.name, "command"),
        f"{service.name} starts `{word}`: the official entrypoint passes on only `bash`, `python` and `airflow`, so "
        f"this becomes `airflow {word}`, which does not exist",
        (service.name,),
        "write `bash` as the first word (`command: bash -c '…'`), or set `entrypoint:` for this service",
    )


def _has_fab(context: RuleContext, service: Service) -> bool:
    """Whether the FAB auth manager is set, or a configuration file that cannot be seen here may set it."""
    facts = context.facts.get(service.name)
    environment = {**(facts.environment if facts is not None else {}), **service.environment}
    if any(environment.get(name) for name in _OWN_CONFIG):
        return "fab" in (environment.get(AUTH_MANAGER.name) or "fab").lower()
    return any(mount.target.endswith(CONFIG_FILE) or mount.target == HOME for mount in service.mounts)


def _make_users_finding(context: RuleContext, service: Service, version: str) -> Finding:
    return Finding(
        CODE,
        context.line(context.project, service.name, _choose_command_key(service)),
        f"{service.name} starts `airflow users`, which Airflow {version} has only with the FAB auth manager",
        (service.name,),
        f"{AUTH_MANAGER.name}: {FAB_AUTH_MANAGER}",
        ("and apache-airflow-providers-fab installed; the default SimpleAuthManager has no such command",),
    )
