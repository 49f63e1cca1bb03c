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


def choose_airflow_version(subject: LintSubject, step: RunStep, command: ShellCommand) -> str:
    """As this command can say it: what the Dockerfile itself wrote before, the variable of a base that sets it, or the
    version of a tag; ``VERSION`` where none is known.
    """
    facts, in_shell = subject.facts, command.extent is not None
    own = _find_own_version(subject, step, command)
    if own is not None and (in_shell or "$" not in own):
        return own
    if facts.published_base is not None and facts.published_base.sets_version and in_shell:
        return f"${{{VERSION_VARIABLE}}}"
    return facts.airflow_version or UNKNOWN_VERSION


def _find_own_version(subject: LintSubject, step: RunStep, command: ShellCommand) -> str | None:
    """Of the last install before ``command`` that names Airflow's version in words that hold here as well."""
    found = None
    known = set(step.environment)
    base = subject.facts.published_base
    known |= {VERSION_VARIABLE} if base is not None and base.sets_version else set()
    for one in subject.steps:
        for other in one.commands:
            if other is command:
                return found
            pip = parse_pip_install(other)
            for word in pip.requirements if pip else ():
                match = _AIRFLOW.fullmatch(word)
                if match and known.issuperset(_VARIABLE.findall(match[1])) and "`" not in match[1]:
                    found = match[1]
    return found
