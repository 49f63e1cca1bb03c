"""OB214: what the real Compose refuses wherever it is asked, and what it refuses only here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from real_files import read, write

from builder.compose.load.dockerfiles import read_dockerfiles
from builder.compose.rewrite.locate import locate_key
from builder.compose.rules.context import RuleContext
from builder.compose.rules.refused import find_refused_projects
from builder.compose.sharing.groups import group_services

if TYPE_CHECKING:
    from pathlib import Path

WEB = "services:\n  web:\n    image: apache/airflow:2.8.1\n    command: webserver\n"


def lines(folder: Path, text: str) -> list[int | None]:
    write(folder, {"compose.yaml": text})
    project = read(cwd=folder)
    facts = read_dockerfiles(project)
    context = RuleContext(project, group_services(project, facts), facts, line=locate_key)
    return [found.where.line for found in find_refused_projects(context)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{WEB}    networks: [back]\n", 5),
        (f"{WEB}    volumes: ['data:/x']\n", 5),
        (f"{WEB}    secrets: [key]\n", 5),
        (f"{WEB}    depends_on: [nobody]\n", 5),
        (f"{WEB}    environment:\n      X: 'a${{b'\n", 6),
        (f"{WEB}    environment:\n      X: 'a${{b'\n      Y: $UNSET\n", 6),
        (f"{WEB}    ports: ['a:b:c:d']\n", None),
        ("services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [a]}\n", 2),
        ("services:\n  web:\n    command: x\n", 2),
    ],
)
def test_the_files_are_to_blame(tmp_path: Path, text: str, line: int | None) -> None:
    assert lines(tmp_path, text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        WEB,
        "services:\n  web:\n    image: ${TAG}\n",
        f"{WEB}    environment:\n      X: ${{Y:?set it}}\n",
        f"{WEB}    env_file: [no.env]\n",
        f"{WEB}    ports: ['${{PORT}}:8080']\n",
    ],
)
def test_this_machine_may_lack_something(tmp_path: Path, text: str) -> None:
    assert lines(tmp_path, text) == []
