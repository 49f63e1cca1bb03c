"""Advice about ``pip install``: its cache kept (OB302), Airflow not pinned again (OB303)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.dockerfile.airflow_pins import find_unpinned_installs
from builder.dockerfile.facts import Advice
from builder.dockerfile.installs import parse_pip_install
from builder.dockerfile.lint_subject import find_command_extent
from builder.dockerfile.pip_edits import (
    UNKNOWN_VERSION,
    choose_airflow_version,
    collect_own_versions,
    insert_airflow_pin,
    insert_no_cache,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.core.text_edits import TextEdit
    from builder.dockerfile.airflow_pins import UnpinnedInstall
    from builder.dockerfile.lint_subject import LintSubject
    from builder.dockerfile.run_steps import RunStep
    from builder.dockerfile.shell import ShellCommand

_NO_CACHE = "PIP_NO_CACHE_DIR"
"""Any value switches the cache off, ``off`` and ``0`` too (pip's own option handling keeps that for compatibility)."""


def find_pip_advice(subject: LintSubject) -> Iterator[Advice]:
    """Once for each line and code. All that one line lacks is in one text, under either code."""
    uncached, unpinned = tuple(_find_kept_caches(subject)), tuple(find_unpinned_installs(subject.steps, subject.facts))
    own = collect_own_versions(subject) if unpinned else {}
    lines = {command.line for _, command in uncached} | {found.command.line for found in unpinned}
    for line in sorted(lines):
        caches = [found for found in uncached if found[1].line == line]
        pins = [found for found in unpinned if found.command.line == line]
        versions = [
            choose_airflow_version(subject, found.step, found.command, own[id(found.command)]) for found in pins
        ]
        fix, edits, unknown = _write_fix(subject, caches, pins, versions)
        both = ("this text answers OB302 and OB303 together",) if caches and pins else ()
        if caches:
            yield Advice("OB302", line, _KEEPS, fix, (*both, *unknown), edits)
        if pins:
            yield Advice("OB303", line, _MAY_REPLACE, fix, (*_explain_pin(pins), *both, *unknown), edits)


_KEEPS = "pip keeps every wheel that it downloads here in its cache, a second time in the same layer"
_MAY_REPLACE = "this install may replace Airflow by another version: nothing tells pip which one must stay"


def _explain_pin(pins: list[UnpinnedInstall]) -> tuple[str, ...]:
    named = "named like that, pip stops with an error instead of replacing Airflow"
    if not any(found.constrained for found in pins):
        return (named,)
    return named, "constraints do not pin apache-airflow itself: the official files leave it out"


def _write_fix(
    subject: LintSubject, caches: list[tuple[RunStep, ShellCommand]], pins: list[UnpinnedInstall], versions: list[str]
) -> tuple[str | None, tuple[TextEdit, ...], tuple[str, ...]]:
    """The commands of one line with all that they lack; what to know about it, where it is not ready to be pasted."""
    edits = [insert_no_cache(command) for _, command in caches]
    edits += [insert_airflow_pin(found.command, version) for found, version in zip(pins, versions, strict=True)]
    known = tuple(edit for edit in edits if edit is not None)
    if len(known) < len(edits):
        words = [*["`--no-cache-dir`"] * bool(caches), *["`apache-airflow==VERSION`"] * bool(pins)]
        return None, (), (f"put {' and '.join(words)} among the words of this install",)
    extents = [find_command_extent(command, step) for step, command in caches]
    extents += [find_command_extent(found.command, found.step) for found in pins]
    extent = min(start for start, _ in extents), max(end for _, end in extents)
    ready, notes = UNKNOWN_VERSION not in versions, []
    if not ready:
        notes.append(f"{UNKNOWN_VERSION} is what `airflow version` prints in the base image")
    if subject.contains_secret(extent):
        notes.append("what is masked here stays as it is in the file")
    return subject.format_edited(known, extent), known if ready else (), tuple(notes)


def _find_kept_caches(subject: LintSubject) -> Iterator[tuple[RunStep, ShellCommand]]:
    """Silent for uv, which links files out of its cache instead of copying them."""
    configured = _NO_CACHE in subject.facts.environment
    for step in subject.steps:
        off = configured or _NO_CACHE in dict(step.stage.arguments) or step.has_cache_mount("pip", ".cache")
        if off or any(_is_cache_removal(command) for command in step.commands):
            configured = configured or any(_is_cache_setting(command) for command in step.commands)
            continue
        for command in step.commands:
            pip = parse_pip_install(command)
            if pip is None or pip.uv or "--no-cache-dir" in pip.options or _NO_CACHE in pip.assignments:
                continue
            yield step, command


def _is_cache_removal(command: ShellCommand) -> bool:
    words = " ".join(command.words)
    removes = command.program == "rm" and re.search(r"\.cache(/pip)?(/\*)?(\s|/?$)", words)
    exports = command.program == "export" and f"{_NO_CACHE}=" in words
    return bool(removes or exports or "cache purge" in words or _is_cache_setting(command))


def _is_cache_setting(command: ShellCommand) -> bool:
    """``pip config set global.no-cache-dir true`` holds for what comes after it, too."""
    return "config" in command.words and any("no-cache-dir" in word for word in command.words)
