"""What a service of an Airflow image starts, and which Airflow it is: as far as file and Dockerfile show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.airflow.find import find_named_role, find_started_role
from builder.airflow.images import OFFICIAL_IMAGE, is_airflow_image
from builder.core.image_reference import extract_repository
from builder.dockerfile.shell import SHELLS, parse_argv
from builder.dockerfile.stages import substitute_variables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.model import Service
    from builder.dockerfile.facts import DockerfileAnalysis
    from builder.dockerfile.shell import ShellCommand

OFFICIAL_ENTRYPOINT = "/entrypoint"
"""Of the official image."""
_ENTRYPOINTS = ("entrypoint", "entrypoint.sh")
_SUPERVISORS = frozenset({"supervisord", "honcho", "foreman", "make", "just", "task", "npm", "source", ".", "eval"})
"""Programs that start what a file says."""
_KNOWN_PATHS = frozenset({"airflow", "celery", "gunicorn", "env", "sleep", "tail", "dumb-init", "tini", "true"})
_PYTHON = re.compile(r"python(\d+(\.\d+)?)?$")
_OPERATORS = ("&&", "||", ";", "|", "&")


@dataclass(frozen=True)
class StartCommand:
    """``calls``: the words behind ``airflow`` of each call. ``literal``: shell operators that no shell reads."""

    calls: tuple[tuple[str, ...], ...]
    literal: tuple[str, ...] = ()
    not_passed: str | None = None
    """The first word, where the official entrypoint would take it for a subcommand of Airflow."""

    @property
    def roles(self) -> tuple[str, ...]:
        """The lasting roles among the calls, in their order."""
        return tuple(role for call in self.calls if (role := find_started_role(call)))

    @property
    def role(self) -> str | None:
        """The last of them, which goes on; None: it does its work and ends, or nothing is known."""
        return self.roles[-1] if self.roles else None


def substitute_image_defaults(service: Service) -> str | None:
    """The image with its defaults filled in; None when a variable stays."""
    text = substitute_variables(service.image, {}) if service.image else None
    return None if text is None or "$" in text else text


def is_official_image(service: Service, facts: DockerfileAnalysis | None) -> bool:
    """Whether the image is ``apache/airflow`` or built on it, its entrypoint in place."""
    base = (
        facts.root_base if facts is not None else substitute_image_defaults(service) if service.build is None else None
    )
    if base is None or (facts is not None and facts.entrypoint is not None):
        return False
    name = extract_repository(base)
    return name == OFFICIAL_IMAGE or name.endswith(f"/{OFFICIAL_IMAGE}")


def is_known_image(service: Service, facts: DockerfileAnalysis | None) -> bool:
    """Whether nothing but what the project's files show can be in its image: the official one, or a Dockerfile that
    stands on it or installs Airflow itself."""
    if facts is None:
        return service.build is None and is_official_image(service, None)
    base = extract_repository(facts.base or "")
    if base == OFFICIAL_IMAGE or base.endswith(f"/{OFFICIAL_IMAGE}"):
        return True
    return not is_airflow_image(facts.base) and any(pin.name == "apache-airflow" for pin in facts.pins)


def list_program_calls(argv: tuple[str, ...]) -> Iterator[ShellCommand]:
    """The programs that are started: those of a shell's script, and what the official entrypoint passes on to."""
    for call in parse_argv(argv):
        if call.words[0] == OFFICIAL_ENTRYPOINT and len(call.words) > 1:
            yield from list_program_calls(call.words[1:])
        else:
            yield call


def runs_official_entrypoint(service: Service, facts: DockerfileAnalysis | None) -> bool:
    """Whether the official image's own script is what starts, or is called by what does."""
    own = bool(service.entrypoint) or (facts is not None and facts.entrypoint is not None)
    return not own or any(OFFICIAL_ENTRYPOINT in word.split() for word in resolve_argv(service, facts) or ())


def is_unseen_program(call: ShellCommand) -> bool:
    """Whether it does what a file says that cannot be seen here: a script, or what a supervisor starts."""
    first, rest = call.words[0], [word for word in call.words[1:] if not word.startswith(("-", "+"))]
    if call.program in _SUPERVISORS or call.program.endswith(".sh"):
        return True
    if call.program in SHELLS:
        return bool(rest)
    if _PYTHON.match(call.program):
        return any(word.endswith(".py") for word in rest)
    return "/" in first and first != OFFICIAL_ENTRYPOINT and call.program not in _KNOWN_PATHS


def resolve_argv(service: Service, facts: DockerfileAnalysis | None) -> tuple[str, ...] | None:
    """What is started: ``entrypoint`` of the file clears the image's command. None: the image's own, not known here."""
    if service.entrypoint:
        return (*service.entrypoint, *(service.command or ()))
    command = service.command or (facts.command if facts is not None else None) or ()
    own = facts.entrypoint if facts is not None else None
    if own is not None:
        return (*own, *command)
    return tuple(command) or None


def parse_start_command(service: Service, facts: DockerfileAnalysis | None) -> StartCommand:
    """The calls of Airflow that the service makes, also those inside ``bash -c "…"``."""
    argv = resolve_argv(service, facts)
    if argv is None:
        return StartCommand(())
    literal = tuple(dict.fromkeys(word for word in argv if word in _OPERATORS))
    own_entrypoint = bool(service.entrypoint) or (facts is not None and facts.entrypoint is not None)
    if own_entrypoint:
        return StartCommand(tuple(_iterate_airflow_calls(argv)), literal)
    official = is_official_image(service, facts)
    not_passed = argv[0] if official and _is_foreign_program(argv[0]) else None
    return StartCommand(tuple(_iterate_entrypoint_calls(argv)), literal, not_passed)


def _is_foreign_program(word: str) -> bool:
    """The official entrypoint knows ``bash``, ``python`` and ``airflow`` as first words, by exactly these names."""
    program = word.rpartition("/")[2]
    return (program in ("sh", "bash") and word != "bash") or word in ("gunicorn", "sleep", "tail", "pip")


def _iterate_entrypoint_calls(argv: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """What the official entrypoint makes of its arguments."""
    if not argv:
        return
    program = argv[0].rpartition("/")[2]
    if program in ("bash", "sh") or _PYTHON.match(program) or program == "airflow":
        yield from _iterate_airflow_calls(argv)
    elif program in _ENTRYPOINTS:
        yield from _iterate_entrypoint_calls(argv[1:])
    elif not argv[0].startswith(("-", "/", "$")):
        yield argv


def _iterate_airflow_calls(argv: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for command in parse_argv(argv):
        program, words = command.program, command.words
        if program == "airflow":
            yield words[1:]
        elif program in _ENTRYPOINTS:
            yield from _iterate_entrypoint_calls(words[1:])
        elif _PYTHON.match(program) and words[1:3] == ("-m", "airflow"):
            yield words[3:]


def guess_role(service: Service) -> str | None:
    """The role that the service's name promises (``airflow-webserver``)."""
    return find_named_role(service.name)
