"""The command `optimize` with a Compose that answers from here, no engine, and the files alone."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from fake_compose import follow_edit
from runtime_factory import make_runtime

from builder.cli import main as cli
from builder.core.process import ProcessResult

if TYPE_CHECKING:
    from pathlib import Path

    from builder.core.process import Command

COMPOSE = """\
services:
  init:
    build: .
    command: db migrate
  web:
    build: .
    command: webserver
    depends_on: [init]
"""


def answer(folder: Path) -> dict[str, Any]:
    build = {"context": str(folder), "dockerfile": "Dockerfile"}
    needs = {"init": {"condition": "service_started", "required": True}}
    return {
        "name": "shop",
        "services": {
            "init": {"build": build, "command": ["db", "migrate"]},
            "web": {"build": build, "command": ["webserver"], "depends_on": needs},
        },
    }


class Compose:
    """Of edited files it says what was planned; `compose.prod.yml` gives `web` another target."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, command: Command, **_callbacks: object) -> ProcessResult:
        if "version" in command.argv:
            return ProcessResult(command, 0, "2.30.0\n", "")
        found = follow_edit(answer(self.folder), command)
        if "compose.prod.yml" in " ".join(command.argv):
            found["services"]["web"]["build"] = {"context": str(self.folder), "target": "prod"}
        if "compose.yml" not in " ".join(command.argv):
            found["services"] = {"web": {"build": {"context": "."}}}
        return ProcessResult(command, 0, json.dumps(found), "")


def optimize(folder: Path, *words: str) -> tuple[int, str]:
    """Exit code and stdout."""
    tools = folder / "bin"
    tools.mkdir()
    (tools / "docker").write_text("#!/bin/false\n")
    (tools / "docker").chmod(0o755)
    env = {"PATH": str(tools), "HOME": str(folder), "DOCKER_CONTEXT": "none", "XDG_STATE_HOME": str(folder / "state")}
    out = io.StringIO()

    runtime = make_runtime(folder, env, runner=Compose(folder), out=out)
    return cli.run(("optimize", "--file-only", *words), lambda **_: runtime), out.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM apache/airflow:2.8.1\n")
    return tmp_path


@pytest.mark.parametrize("words", [("--yes",), ("--dry-run",)])
def test_a_file_that_cannot_be_edited_safely_is_a_failure(folder: Path, words: tuple[str, ...]) -> None:
    (folder / "compose.yml").write_bytes(COMPOSE.replace("migrate\n", "migrate\r").encode())
    code, out = optimize(folder, *words)
    assert code == 2
    assert out.startswith("Nothing was done: init and web could share an image")
    assert "compose.yml:4: a line ends with a lone carriage return" in out


def test_what_is_left_by_choice_is_none(folder: Path) -> None:
    (folder / "compose.yml").write_text(COMPOSE)
    (folder / "Dockerfile").write_text("FROM python:3.12\n")
    code, out = optimize(folder, "--yes")
    assert (code, "Nothing to do" in out) == (0, True)


def test_warnings_are_in_the_json_too(folder: Path) -> None:
    (folder / "compose.yml").write_text(COMPOSE)
    (folder / "compose.prod.yml").write_text("services: {web: {build: {target: prod}}}\n")
    code, out = optimize(folder, "--dry-run", "--format", "json")
    (warning,) = json.loads(out)["warnings"]
    assert warning == (
        "with compose.prod.yml, web builds another image under the shared name. Plan the files together: "
        "`optbuild optimize -f compose.yml -f compose.prod.yml`"
    )
    assert (code, json.loads(out)["refused"]) == (0, [])
