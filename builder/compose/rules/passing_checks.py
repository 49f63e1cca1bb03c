"""OB219: health checks that pass whatever happens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.core.phrases import join_names
from builder.dockerfile.shell import SHELLS, parse_argv, parse_shell_commands
from builder.findings.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.rules.context import RuleContext

CODE = "OB219"
_ALWAYS_TRUE = r"(?:true|:|exit\s+0|echo\b[^;&|()]*)"
_TAIL = re.compile(rf"(?:\|\||;|\n)\s*{_ALWAYS_TRUE}\s*$")
_WHOLE = re.compile(rf"\s*{_ALWAYS_TRUE}\s*$")
_FAILING_OPTION = re.compile(r"--fail(-.*)?|-[a-zA-Z]*f[a-zA-Z]*")
"""Of curl: an answer such as 500 makes it fail, too."""


def find_passing_checks(context: RuleContext) -> Iterator[Finding]:
    """One finding for each reason. That curl passes with an error is said of Airflow alone: its pages are known."""
    airflow = {one.name for one in context.airflow_services}
    found: dict[tuple[str, str], list[str]] = {}
    for service in context.project.services.values():
        script = _find_script(service.health_test or ())
        problem = _explain_success(script, is_airflow=service.name in airflow) if script else None
        if problem is not None:
            found.setdefault(problem, []).append(service.name)
    for (reason, fix), names in found.items():
        yield Finding(
            CODE,
            context.line(context.project, names[0], "healthcheck", "test"),
            f"the health check of {join_names(names)} {reason}",
            tuple(names),
            fix,
        )


def _find_script(test: tuple[str, ...]) -> str:
    """As a shell reads it; empty: there is no check, or it is not known."""
    if len(test) < 2 or test[0] not in {"CMD", "CMD-SHELL"}:
        return ""
    if test[0] == "CMD-SHELL":
        return test[1]
    calls = parse_argv(test[1:])
    is_shell = test[1].rpartition("/")[2] in SHELLS and len(test) == 4 and test[2].startswith("-")
    return test[3] if is_shell else " ".join(calls[0].words) if len(calls) == 1 else ""


def _explain_success(script: str, *, is_airflow: bool) -> tuple[str, str] | None:
    """The end of a sentence, and what to do; None: it may fail."""
    if _WHOLE.match(script):
        return f"is `{script.strip()}`, which says nothing of the service", "ask the service something instead"
    tail = _TAIL.search(script)
    if tail is not None:
        end = " ".join(tail[0].split())
        return f"ends with `{end}`, so it passes whatever comes before", f"take `{end}` out of the test"
    calls = [call for call in parse_shell_commands(script) if call.program != "exit"]
    if not is_airflow or [call.program for call in calls] != ["curl"]:
        return None
    words = calls[0].words
    is_page = any(re.match(r"https?://", word) for word in words)
    if not is_page or any(map(_FAILING_OPTION.fullmatch, words)):
        return None
    return "is a `curl` without `--fail`, which passes with every answer, errors too", "write `curl --fail` in the test"
