"""What a ``pip install`` lacks, put into its own words: ``--no-cache-dir``, Airflow at the version that it has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.airflow.variables import VERSION_VARIABLE
from builder.dockerfile.installs import parse_pip_install
from builder.dockerfile.lint_subject import insert_words

if TYPE_CHECKING:
    from builder.core.text_edits import TextEdit
    from builder.dockerfile.lint_subject import LintSubject
    from builder.dockerfile.run_steps import RunStep
    from builder.dockerfile.shell import ShellCommand

_PASSED = frozenset({"--no-cache-dir", "--user", "--upgrade", "-U", "-q", "--quiet", "--no-input"})
"""Options without a value: a requirement reads better behind them."""
_AIRFLOW = re.compile(r"apache[-_.]airflow(?:\[[^\]]*\])?==([^,;\s]+)", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{?(\w*)")
UNKNOWN_VERSION = "VERSION"


def find_install_word(command: ShellCommand) -> int | None:
    """The number of the word ``install``, or ``add``, as uv and poetry have it."""
    return next((index for index, word in enumerate(command.words) if word in ("install", "add")), None)


def insert_no_cache(command: ShellCommand) -> TextEdit | None:
    """None: it is not known where the words of the command stand."""
    behind = find_install_word(command)
    return None if behind is None else insert_words(command, behind, "--no-cache-dir")


def insert_airflow_pin(command: ShellCommand, version: str) -> TextEdit | None:
    """None: it is not known where the words of the command stand."""
    behind = find_install_word(command)
    if behind is None:
        return None
    while command.words[behind + 1 : behind + 2] and command.words[behind + 1] in _PASSED:
        behind += 1
    return insert_words(command, behind, f"apache-airflow=={version}")


def choose_airflow_version(subject: LintSubject, step: RunStep, command: ShellCommand, before: tuple[str, ...]) -> str:
    """As this command can say it: what the Dockerfile itself wrote ``before`` in words that hold here as well, the
    variable of a base that sets it, or the version of a tag; ``VERSION`` where none is known.
    """
    facts, in_shell = subject.facts, command.extent is not None
    known = set(step.environment)
    known |= {VERSION_VARIABLE} if facts.published_base is not None and facts.published_base.sets_version else set()
    for own in before:
        if known.issuperset(_VARIABLE.findall(own)) and "`" not in own and (in_shell or "$" not in own):
            return own
    if facts.published_base is not None and facts.published_base.sets_version and in_shell:
        return f"${{{VERSION_VARIABLE}}}"
    return facts.airflow_version or UNKNOWN_VERSION


def collect_own_versions(subject: LintSubject) -> dict[int, tuple[str, ...]]:
    """By the identity of each command: how the installs before it write Airflow's version, the last one first."""
    found: dict[int, tuple[str, ...]] = {}
    written: tuple[str, ...] = ()
    for step in subject.steps:
        for command in step.commands:
            found[id(command)] = written
            pip = parse_pip_install(command)
            for word in pip.requirements if pip else ():
                if match := _AIRFLOW.fullmatch(word):
                    written = tuple(dict.fromkeys((match[1], *written)))
    return found
