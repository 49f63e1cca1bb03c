"""OB214: a project that Compose cannot start, whatever the environment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.compose.load.config_errors import find_error_key
from builder.compose.load.fragments import split_suggestion
from builder.core.errors import Where
from builder.findings.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.model import Project
    from builder.compose.rules.context import RuleContext

_HERE = re.compile(
    r"required variable|is missing a value|env[_ ]?file|not found: stat|no such file or directory|permission denied",
    re.IGNORECASE,
)
"""What is wrong with this machine, not with the files."""
_TEXT = "invalid interpolation format"
"""Wrong whatever value a variable has."""

_NAMED = re.compile(
    r'service "(?P<one>[^"]+)" (?:refers to undefined (?P<kind>\w+)|(?P<needs>depends on))?|detected: (?P<first>\S+) ->'
)
"""The service that is at fault, and by which of its keys."""


def find_refused_projects(context: RuleContext) -> Iterator[Finding]:
    """At most one finding, in Compose's words. Silent where another machine may have what is missing here."""
    said = explain_refusal(context.project)
    if said is not None:
        words, other = split_suggestion(said)
        yield Finding(
            "OB214",
            _locate_cause(context, words),
            f"Compose cannot start this: {words.removesuffix(': invalid compose project')}",
            fix=f"name the other file too: {other}"
            if other
            else "correct it until `docker compose config --quiet` prints nothing",
        )


def explain_refusal(project: Project) -> str | None:
    """What Compose says, where the files alone are to blame; None: it takes them, or a variable or file is missing."""
    said = " ".join(project.complaints[0].split()) if project.resolved is None and project.complaints else ""
    if not said or _HERE.search(said) or (project.unset_variables and _TEXT not in said):
        return None
    return said


def _locate_cause(context: RuleContext, said: str) -> Where:
    keys = (find_error_key(said) or "").split(".")
    if keys[0] == "services" and len(keys) > 1:
        return context.line(context.project, keys[1], *keys[2:])
    named = _NAMED.search(said)
    if named is not None and (service := named["one"] or named["first"]) in context.project.services:
        key = "depends_on" if named["needs"] or named["first"] else f"{named['kind']}s" if named["kind"] else ""
        return context.line(context.project, service, *([key] if key else []))
    files = context.project.files.files
    return Where(files[0].name if files else "")
