"""OB210: packages that are installed at every start of a container, in place of once in its image."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.airflow.variables import INSTALL_VARIABLE
from builder.compose.services.start_commands import (
    is_official_image,
    list_program_calls,
    resolve_argv,
    runs_official_entrypoint,
)
from builder.core.phrases import choose_verb, join_names
from builder.findings.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.model import Service
    from builder.compose.rules.context import RuleContext
    from builder.dockerfile.facts import DockerfileAnalysis

CODE = "OB210"
_PYTHON = re.compile(r"python[\d.]*$")
_VERBS = {
    "pip": {"install"},
    "uv": {"sync", "add"},
    "poetry": {"install", "add"},
    "pipenv": {"install", "sync"},
    "conda": {"install"},
    "mamba": {"install"},
    "apt-get": {"install"},
    "apt": {"install"},
    "apk": {"add"},
    "yum": {"install"},
    "dnf": {"install"},
}
"""Installer → its words that install."""


def find_installs_at_start(context: RuleContext) -> Iterator[Finding]:
    """One finding for each way to install, with all services that do it. The words behind it are not told: an index
    may have a password in its address."""
    found: dict[str, list[str]] = {}
    for service in context.project.services.values():
        for way in _list_installs(service, context.find_facts(service)):
            found.setdefault(way, []).append(service.name)
    for way, names in found.items():
        where, how = ("environment", "sets") if way == INSTALL_VARIABLE else (_choose_key(context, names[0]), "runs")
        does = f"{choose_verb(names, how, how.removesuffix('s'))} {way if where == 'environment' else f'`{way}`'}"
        yield Finding(
            CODE,
            context.line(context.project, names[0], where),
            f"{join_names(names)} {does}: every start of a container downloads and installs anew, and what runs is not "
            "what the image holds",
            tuple(names),
            _format_fix(way, [context.project.services[name] for name in names]),
        )


def _choose_key(context: RuleContext, name: str) -> str:
    return "command" if context.project.services[name].command else "entrypoint"


def _list_installs(service: Service, facts: DockerfileAnalysis | None) -> tuple[str, ...]:
    own = service.command or service.entrypoint
    calls = tuple(list_program_calls(resolve_argv(service, facts) or ())) if own else ()
    ways = [way for call in calls if (way := _find_install(call.program, call.words[1:]))]
    if service.environment.get(INSTALL_VARIABLE) and is_official_image(service, facts):
        ways += [INSTALL_VARIABLE] if runs_official_entrypoint(service, facts) else []
    return tuple(dict.fromkeys(ways))


def _find_install(program: str, words: tuple[str, ...]) -> str | None:
    """``pip install``, of any way to write it; None: it installs nothing."""
    if _PYTHON.match(program) and words[:1] == ("-m",):
        program, words = words[1] if len(words) > 1 else "", words[2:]
    if program == "uv" and words[:1] == ("pip",):
        program, words = "pip", words[1:]
    program = "pip" if re.fullmatch(r"pip[\d.]*", program) else program
    plain = [word for word in words if not word.startswith("-")]
    verb = plain[0] if plain else ""
    return f"{program} {verb}" if verb in _VERBS.get(program, ()) else None


def _format_fix(way: str, services: list[Service]) -> str:
    if way == INSTALL_VARIABLE:
        return f"RUN pip install ... in a Dockerfile, and leave {INSTALL_VARIABLE} empty"
    images = {one.image if one.image_build is None else None for one in services}
    if len(images) == 1 and (image := images.pop()):
        return f"RUN {way} ... in a Dockerfile that begins with `FROM {image}`, built with `build:`; start without it"
    return f"RUN {way} ... in the image's Dockerfile, and start without it"
