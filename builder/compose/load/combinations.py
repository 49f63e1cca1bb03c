"""What Compose makes of the same files when they are read in another way: with another file on top, each alone, as a
stack.

Answers hold secrets; what is kept of one on disk does not (:class:`ServiceFacts`).
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from os.path import relpath
from typing import TYPE_CHECKING

from builder.compose.load.config import (
    ENDED_BY_SIGNAL,
    extract_message,
    open_request,
    parse_config,
    run_config,
)
from builder.compose.load.fragments import is_fragment
from builder.compose.load.services import parse_service
from builder.core.errors import ComposeError, InterruptedByUserError, OptbuildError
from builder.core.limits import CONFIG_LIMIT
from builder.core.process import Command

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from builder.compose.load.config import ConfigRequest
    from builder.compose.load.overlay import OverlaySet
    from builder.compose.model import ComposeConfig, ProjectFiles, Service
    from builder.core.process import Runner
    from builder.engine.compose import ComposeCli


@dataclass(frozen=True)
class Combination:
    """One way to read some files. ``stack``: as `docker stack` does, whose schema is another one."""

    files: ProjectFiles
    stack: bool = False
    added: Path | None = None
    """The file that is not one of the project's; None: all are."""

    def format_command(self, folder: Path, verb: str) -> str:
        """What a person types in ``folder`` to read them so."""
        option = "-c" if self.stack else "-f"
        words = (word for file in self.files.files for word in (option, relpath(file, folder)))
        if self.stack:
            return f"docker stack {verb} {shlex.join(words)}"
        return f"docker compose {shlex.join(words)} {verb}"


@dataclass(frozen=True)
class ServiceFacts:
    """What is compared of a service."""

    builds: bool
    never: bool
    """Its pull policy is ``never``."""


@dataclass(frozen=True)
class CombinationAnswer:
    """``facts`` None: refused, or not asked."""

    facts: Mapping[str, ServiceFacts] | None = None
    interpolated: bool = False
    """Accepted with its variables filled in."""
    complaint: str = ""
    """Why it was refused, in Compose's words."""
    asked: bool = True
    services: Mapping[str, Service] = field(default_factory=dict, repr=False, compare=False)
    """Empty where only the facts were kept."""


def ask_combination(
    combination: Combination,
    cli: ComposeCli,
    runner: Runner,
    env: Mapping[str, str],
    overlay: Mapping[Path, bytes] | None = None,
    *,
    overlays: OverlaySet | None = None,
) -> CombinationAnswer:
    """One call, two where Compose cannot fill in the variables. An answer that cannot be had was not asked for: other
    ways to read the files are a precaution, and none of them keeps a plan from being made."""
    try:
        with open_request(combination.files, env, overlay or {}, overlays) as request:
            return (_ask_stack if combination.stack else _ask_compose)(request, cli, runner)
    except InterruptedByUserError:
        raise
    except (OptbuildError, OSError):
        return CombinationAnswer(asked=False)


def _ask_compose(request: ConfigRequest, cli: ComposeCli, runner: Runner) -> CombinationAnswer:
    said = ""
    for interpolate in (True, False):
        result = run_config(request, cli, runner, interpolate=interpolate)
        _check_signal(result.code)
        if result.ok:
            services = parse_services(parse_config(result, request))
            return CombinationAnswer(make_facts(services.values()), interpolate, said, services=services)
        said = said or extract_message(result, request)
        if is_fragment(said):
            break  # without variables Compose does not look whether all is there
    return CombinationAnswer(complaint=said)


def _ask_stack(request: ConfigRequest, cli: ComposeCli, runner: Runner) -> CombinationAnswer:
    """Docker's own reader of compose files, which asks no engine."""
    if cli.argv[0] != "docker":
        return CombinationAnswer(asked=False)
    files = tuple(word for file in request.files.files for word in ("-c", str(file)))
    command = Command(("docker", "stack", "config", *files), env=request.env, timeout=CONFIG_LIMIT.read(request.env))
    result = runner.run(command)
    _check_signal(result.code)
    if result.ok:
        return CombinationAnswer({}, interpolated=True)
    return CombinationAnswer(complaint=extract_message(result, request))


def _check_signal(code: int) -> None:
    if code in ENDED_BY_SIGNAL:
        raise InterruptedByUserError("Compose was ended by a signal")


def parse_services(config: ComposeConfig) -> dict[str, Service]:
    """Raises ComposeError where a service is not a mapping."""
    found = config.get("services") or {}
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        raise ComposeError("`services` is not a mapping of services")
    project = str(config.get("name") or "")
    return {name: parse_service(name, one, None, project) for name, one in found.items()}


def make_facts(services: Iterable[Service]) -> dict[str, ServiceFacts]:
    return {one.name: ServiceFacts(one.build is not None, one.pull_policy == "never") for one in services}
