"""OB212: Airflow started in the background of a container, which ends at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.airflow.find import find_started_role
from builder.compose.services.start_commands import list_program_calls, resolve_argv
from builder.findings.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.rules.airflow import AirflowService
    from builder.compose.rules.context import RuleContext

_OPTIONS = ("-D", "--daemon")


def find_daemons(context: RuleContext) -> Iterator[Finding]:
    """One finding for each service; silent where something else goes on in its container."""
    for one in context.airflow_services:
        option = _find_option(one)
        if option is None:
            continue
        restart = one.service.restart
        again = ", again and again with `restart`" if restart not in {None, "no"} else ""
        yield Finding(
            "OB212",
            context.line(context.project, one.name, "command" if one.service.command else "entrypoint"),
            f"{one.name} starts its {one.start.roles[-1]} with `{option}`, in the background: nothing is left in the "
            f"foreground, so the container ends at once{again}",
            (one.name,),
            f"take `{option}` out of the command",
        )


def _find_option(one: AirflowService) -> str | None:
    """That of the last command, where all that last are in the background; None: the container goes on."""
    lasting = [call for call in one.start.calls if find_started_role(call)]
    options = [next((word for word in call if word in _OPTIONS), None) for call in lasting]
    calls = tuple(list_program_calls(resolve_argv(one.service, one.facts) or ()))
    if not lasting or None in options or not calls or one.start.calls[-1] is not lasting[-1]:
        return None
    last = calls[-1].words
    return options[-1] if tuple(last[-len(lasting[-1]) :]) == lasting[-1] else None
