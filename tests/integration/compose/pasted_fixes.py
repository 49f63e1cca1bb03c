"""Does what the findings advise: pastes the YAML of compose findings, and makes the edits of Dockerfile findings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from edited_text import apply_edits
from fresh_start import MISSING_ENV_FILE
from real_files import RUNNER

from builder.compose.load.dockerfiles import read_dockerfiles
from builder.compose.rewrite.locate import locate_key
from builder.compose.rules import RULES
from builder.compose.rules.context import RuleContext
from builder.compose.sharing.groups import group_services
from builder.core.process import Command

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from builder.compose.model import Project
    from builder.findings.model import Finding

_ABOUT_DOCKERFILES = "OB3"
_PASTED = ("healthcheck:", "depends_on:", "command:")
"""How fixes begin that are whole keys of a service."""
_PASTED_FILE = "pasted.yaml"


@dataclass(frozen=True)
class FixCount:
    """``applied``: fixes that were made, and whose finding is gone or whose text Compose accepts; ``by_hand``: a person
    has to decide something first; ``wrong``: what else came of them."""

    applied: int
    by_hand: int
    wrong: tuple[str, ...] = ()


def add_counts(one: FixCount, other: FixCount) -> FixCount:
    return FixCount(one.applied + other.applied, one.by_hand + other.by_hand, (*one.wrong, *other.wrong))


def apply_dockerfile_fixes(project: Project, findings: Iterable[Finding]) -> FixCount:
    """All edits of all Dockerfiles at once; then each finding that had one is gone, and no other has come."""
    about = [one for one in findings if one.code.startswith(_ABOUT_DOCKERFILES)]
    fixed = [one for one in about if one.edits]
    for name in dict.fromkeys(one.where.file for one in fixed):
        _edit_file(project.files.directory / name, [one for one in fixed if one.where.file == name])
    wanted = {(one.code, one.services) for one in about if not one.edits}
    left = {(one.code, one.services) for one in _find_dockerfile_advice(project)}
    wrong = tuple(f"{code} {' '.join(services)}" for code, services in sorted(left ^ wanted))
    return FixCount(len(fixed), len(about) - len(fixed), wrong)


def _edit_file(path: Path, findings: list[Finding]) -> None:
    edits = [edit for one in findings for edit in one.edits]
    path.write_bytes(apply_edits(path.read_bytes().decode(), edits).encode())


def _find_dockerfile_advice(project: Project) -> list[Finding]:
    facts = read_dockerfiles(project)
    context = RuleContext(project, group_services(project, facts), facts, line=locate_key)
    return list(RULES["OB301"](context))


def paste_service_keys(
    folder: Path, files: Iterable[str], findings: Iterable[Finding], env: Mapping[str, str]
) -> FixCount:
    """The keys in an override of their own, behind the project's files: Compose must take all of them at once.

    Env files that the project lacks are there afterwards, and empty.
    """
    services: dict[str, dict[str, Any]] = {}
    pasted = 0
    for one in findings:
        key = (one.fix or "").partition("\n")[0]
        if not key.startswith(_PASTED):
            continue
        pasted += 1
        for name in one.services:
            services.setdefault(name, {}).update(yaml.safe_load(one.fix or ""))
    if not services:
        return FixCount(0, 0)
    (folder / _PASTED_FILE).write_text(yaml.safe_dump({"services": services}), encoding="utf-8")
    words = tuple(word for name in (*files, _PASTED_FILE) for word in ("--file", name))
    argv = ("docker", "compose", *words, "--profile", "*", "config", "--quiet")
    command = Command(argv, cwd=folder, env=dict(env))
    done = RUNNER.run(command)
    while missing := MISSING_ENV_FILE.search(done.err):
        path = Path(missing.group(1))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(exist_ok=False)
        done = RUNNER.run(command)
    (folder / _PASTED_FILE).unlink()
    return FixCount(pasted if done.ok else 0, 0, () if done.ok else (done.err.strip(),))
