"""OB201: start commands that the Airflow version of the image deprecates, lost, or never had, and none at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.airflow.commands import (
    PREPARING_COMMANDS,
    CommandProblem,
    check_command,
    find_fab_source,
    shorten_version,
)
from builder.airflow.find import LATEST, find_role, find_series, is_at_least
from builder.airflow.model import FabSource
from builder.airflow.variables import AUTH_MANAGER, FAB_AUTH_MANAGER
from builder.compose.services.dependencies import is_waited_for
from builder.compose.services.start_commands import guess_role, is_official_image, resolve_argv
from builder.core.image_reference import normalize_image_name, split_image_name
from builder.findings.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.model import Service
    from builder.compose.rules.airflow import AirflowService
    from builder.compose.rules.context import RuleContext

CODE = "OB201"
_FAB_DISTRIBUTION = "apache-airflow-providers-fab"


def find_invalid_commands(context: RuleContext) -> Iterator[Finding]:
    """One finding for each service and each thing that is wrong with its start."""
    for one in context.airflow_services:
        yield from _check_service(context, one)


def _check_service(context: RuleContext, one: AirflowService) -> Iterator[Finding]:
    start = one.start
    silent = resolve_argv(one.service, one.facts) is None and is_official_image(one.service, one.facts)
    if silent and not _is_built_on(context, one.service):
        yield _make_no_command_finding(context, one)
    if start.literal and not start.not_passed:
        yield _make_no_shell_finding(context, one.service, start.literal[0])
    if start.not_passed:
        yield _make_entrypoint_finding(context, one.service, start.not_passed)
    told = set()
    for call in start.calls:
        found = _check_call(context, one, call) if call else None
        if found is not None and found.message not in told:
            told.add(found.message)
            yield found


def _is_built_on(context: RuleContext, service: Service) -> bool:
    """Whether it is only there to be built: another service's image stands on its."""
    others = (one for one in context.project.services.values() if one.build is not None and one.name != service.name)
    named = {source for one in others if one.build for _, source in one.build.additional_contexts}
    bases = {facts.base for name, facts in context.facts.items() if name != service.name and facts.base}
    return f"service:{service.name}" in named or bool(set(map(normalize_image_name, bases)) & set(service.built_names))


def _check_call(context: RuleContext, one: AirflowService, call: tuple[str, ...]) -> Finding | None:
    problem = check_command(call, one.version)
    if problem is None:
        source = find_fab_source(call, one.version)
        return None if source is None or _may_have_fab(one, source) else _make_fab_finding(context, one, call[0])
    change = problem.change
    details = (change.note,) if change.note and problem.instead == change.instead else ()
    return Finding(
        CODE,
        context.line(context.project, one.name, _choose_command_key(one.service)),
        f"{one.name} starts `airflow {' '.join(change.words)}`, which {problem.says}",
        (one.name,),
        _format_command_fix(one, problem),
        details,
    )


def _choose_command_key(service: Service) -> str:
    return "command" if service.command else "entrypoint" if service.entrypoint else "command"


def _format_command_fix(one: AirflowService, problem: CommandProblem) -> str | None:
    """The whole key where it holds nothing else; else which words to replace: the others may hold a password."""
    service, old, new = one.service, problem.change.words, problem.instead
    if not new:
        return None
    prefix = _choose_command_prefix(service)
    whole = f"`{' '.join((*prefix, *old))}`"
    if old in PREPARING_COMMANDS and (other := _find_other_preparation(one, old)):
        return f"delete {whole}: `{' '.join((*prefix, *other))}` does it too"
    since = f"  # from Airflow {shorten_version(problem.since)} on" if problem.since else ""
    command = service.command or ()
    begin = command[:1] if command[:1] == ("airflow",) else ()
    if command == (*begin, *old) and not service.entrypoint:
        return f"command: {' '.join((*begin, *new))}{since}"
    return f"replace {whole} by `{' '.join((*prefix, *new))}`{since}"


def _find_other_preparation(one: AirflowService, words: tuple[str, ...]) -> tuple[str, ...] | None:
    """Other words of the same start that prepare the database too, and will go on to; None: there are none."""
    others = [call for call in one.start.calls if call[: len(words)] != words]
    known = (next((known for known in PREPARING_COMMANDS if call[: len(known)] == known), None) for call in others)
    kept = [found for found in known if found is not None]
    if words in (("initdb",), ("db", "init")):  # of several old words, the one that has a successor of its own stays
        return next(iter(kept), None)
    return next((found for found in kept if check_command(found, one.version) is None), None)


def _choose_command_prefix(service: Service) -> tuple[str, ...]:
    """``airflow`` where the file has to say it: the official entrypoint puts it before bare words."""
    first = (service.command or ("",))[0]
    return () if not service.entrypoint and first not in ("airflow", "bash") else ("airflow",)


def _make_no_command_finding(context: RuleContext, one: AirflowService) -> Finding:
    message = (
        f"{one.name} starts no command, and the Airflow image has none of its own: it prints its help and ends"
        + ("; with `restart` it does so forever" if one.service.restart not in (None, "no") else "")
    )
    ending = " (others wait until it ends)" if is_waited_for(context.project, one.service) else ""
    return Finding(
        CODE,
        context.line(context.project, one.name),
        message,
        (one.name,),
        f"command: {_suggest_command(one)}{ending}",
    )


def _suggest_command(one: AirflowService) -> str:
    """Of the role that the name promises, in words of the version; where that is not known, with what it depends on."""
    series = find_series(one.version)
    role = find_role(guess_role(one.service) or "", one.version)
    if role is None:
        web = next((known.name for known in series.roles if known.web), "") if series else "webserver"
        other = "" if series else "api-server in Airflow 3, "
        migrate = " ".join((series or LATEST).migrate)
        return f"{web}   # or {other}scheduler, triggerer, {migrate}, ..."
    if not role.is_lasting:
        return " ".join(series.migrate) if series else "db migrate   # before Airflow 2.7: db upgrade"
    later = "" if series or role.successor is None else f"   # from Airflow 3 on: {role.successor}"
    return " ".join(role.role.command) + later


def _make_no_shell_finding(context: RuleContext, service: Service, operator: str) -> Finding:
    return Finding(
        CODE,
        context.line(context.project, service.name, "command"),
        f"{service.name}: no shell reads this command, so `{operator}` and what follows are passed to the "
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


def _may_have_fab(one: AirflowService, source: FabSource) -> bool:
    """Whether the FAB auth manager is set, or something that cannot be seen here may set it; where the provider alone
    decides, whether it may be installed: the official image has it, its slim variants do not."""
    if source is FabSource.PROVIDER:
        base = (one.facts.base if one.facts is not None else one.service.image) or ""
        pins = one.facts.pins if one.facts is not None else ()
        return not split_image_name(base)[1].startswith("slim-") or any("fab" in pin.name for pin in pins)
    manager = one.settings.find_setting(AUTH_MANAGER, one.version)
    if manager is None:
        return not one.settings.is_complete
    return "fab" in (manager[1] or "fab").lower()


def _make_fab_finding(context: RuleContext, one: AirflowService, command: str) -> Finding:
    """``command``: the first word behind ``airflow``."""
    provider = is_at_least(one.version, "3.2.0")
    needed = "provider" if provider else "auth manager"
    fix = f"{AUTH_MANAGER.name}: {FAB_AUTH_MANAGER}"
    also = f"and {_FAB_DISTRIBUTION} installed; the default SimpleAuthManager has no such command"
    return Finding(
        CODE,
        context.line(context.project, one.name, _choose_command_key(one.service)),
        f"{one.name} starts `airflow {command}`, which Airflow {one.version} has only with the FAB {needed}",
        (one.name,),
        f"RUN pip install {_FAB_DISTRIBUTION}   # in the Dockerfile" if provider else fix,
        () if provider else (also,),
    )
