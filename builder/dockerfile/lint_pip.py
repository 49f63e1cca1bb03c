"""Advice about ``pip install``: its cache kept (OB302), Airflow not pinned again (OB303)."""

from __future__ import annotations

import re
import shlex
from itertools import takewhile
from typing import TYPE_CHECKING

from builder.dockerfile.airflow_pins import find_unpinned_installs
from builder.dockerfile.facts import Advice
from builder.dockerfile.installs import PipInstall, parse_pip_install

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.dockerfile.facts import DockerfileAnalysis
    from builder.dockerfile.run_steps import RunStep
    from builder.dockerfile.shell import ShellCommand

_NO_CACHE = "PIP_NO_CACHE_DIR"
"""Any value switches the cache off, ``off`` and ``0`` too (pip's own option handling keeps that for compatibility)."""
_AIRFLOW_PIN = '"apache-airflow==${AIRFLOW_VERSION}"'
"""The official image sets the variable."""


def find_kept_pip_caches(steps: tuple[RunStep, ...], facts: DockerfileAnalysis) -> Iterator[Advice]:
    """Silent for uv, which links files out of its cache instead of copying them."""
    configured = _NO_CACHE in facts.environment
    for step in steps:
        off = configured or _NO_CACHE in dict(step.stage.arguments) or step.has_cache_mount("pip", ".cache")
        if off or any(_is_cache_removal(command) for command in step.commands):
            configured = configured or any(_is_cache_setting(command) for command in step.commands)
            continue
        for pip in _find_pip_installs(step):
            if not pip.uv and "--no-cache-dir" not in pip.options and _NO_CACHE not in pip.assignments:
                yield Advice(
                    "OB302",
                    pip.line,
                    "pip keeps every wheel that it downloads here in its cache, a second time in the same layer",
                    _format_uncached_install(pip),
                )


def _find_pip_installs(step: RunStep) -> tuple[PipInstall, ...]:
    return tuple(pip for command in step.commands if (pip := parse_pip_install(command)))


def _is_cache_removal(command: ShellCommand) -> bool:
    words = " ".join(command.words)
    removes = command.program == "rm" and re.search(r"\.cache(/pip)?(/\*)?(\s|/?$)", words)
    exports = command.program == "export" and f"{_NO_CACHE}=" in words
    return bool(removes or exports or "cache purge" in words or _is_cache_setting(command))


def _is_cache_setting(command: ShellCommand) -> bool:
    """``pip config set global.no-cache-dir true`` holds for what comes after it, too."""
    return "config" in command.words and any("no-cache-dir" in word for word in command.words)


def _format_uncached_install(pip: PipInstall) -> str:
    """The command with the option; shortened where it holds an address, which may hold a password."""
    begin = pip.words[: pip.words.index("install") + 1]
    rest = pip.words[len(begin) :]
    if any("://" in word for word in rest):
        return f"{shlex.join(begin)} --no-cache-dir ..."
    return f"{shlex.join(begin)} --no-cache-dir {' '.join(_quote_word(word) for word in rest)}".rstrip()


def _quote_word(word: str) -> str:
    """As a shell needs it, variables left to be replaced."""
    if "$" in word:
        return f'"{word}"'
    return shlex.quote(word)


def find_unpinned_airflow(steps: tuple[RunStep, ...], facts: DockerfileAnalysis) -> Iterator[Advice]:
    """An install in an image that has Airflow already, and that does not say which Airflow must stay."""
    for found in find_unpinned_installs(steps, facts):
        yield _make_unpinned_advice(found.pip, copied_constraints=found.constrained)


def _make_unpinned_advice(pip: PipInstall, *, copied_constraints: bool) -> Advice:
    begin = pip.words[: pip.words.index("install") + 1]
    options = tuple(
        takewhile(lambda word: word in ("--no-cache-dir", "--user", "--upgrade", "-U"), pip.words[len(begin) :])
    )
    rest = pip.words[len(begin) + len(options) :]
    shown = "..." if any("://" in word for word in rest) else " ".join(_quote_word(word) for word in rest)
    details: tuple[str, ...] = ("named like that, pip stops with an error instead of replacing Airflow",)
    if copied_constraints:
        details = (*details, "constraints do not pin apache-airflow itself: the official files leave it out")
    return Advice(
        "OB303",
        pip.line,
        "this install may replace Airflow by another version: nothing tells pip which one must stay",
        f"{shlex.join((*begin, *options))} {_AIRFLOW_PIN} {shown}",
        details,
    )
