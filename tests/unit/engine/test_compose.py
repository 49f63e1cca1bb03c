"""Which command is Compose here: the plugin, a standalone version 2, an old one, or none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from builder.core.errors import ComposeMissingError, ExitCode, OldComposeError, ToolTimeoutError
from builder.core.process import Command, ProcessResult
from builder.engine.compose import ComposeCli, find_compose, guess_compose

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLUGIN, STANDALONE = "docker compose", "docker-compose"
NO_PLUGIN = (1, "", "docker: 'compose' is not a docker command.\nSee 'docker --help'\n")


@dataclass
class Machine:
    """Answers for ``<command> version --short``; what is not there ends like an unknown subcommand."""

    answers: dict[str, tuple[int, str, str]]
    asked: list[str] = field(default_factory=list)

    def run(
        self,
        command: Command,
        *,
        on_out: Callable[[str], None] | None = None,
        on_err: Callable[[str], None] | None = None,
    ) -> ProcessResult:
        assert command.argv[-2:] == ("version", "--short")
        name = " ".join(command.argv[:-2])
        self.asked.append(name)
        if name not in self.answers:
            raise ToolTimeoutError(name, 30)
        return ProcessResult(command, *self.answers[name])


def path_with(folder: Path, *tools: str) -> dict[str, str]:
    for tool in tools:
        (folder / tool).write_text("#!/bin/sh\n")
        (folder / tool).chmod(0o755)
    return {"PATH": str(folder)}


@pytest.mark.parametrize("version", ["2.26.1-4", "v2.0.0", "5.1.0"])
def test_the_plugin_is_asked_once(tmp_path: Path, version: str) -> None:
    machine = Machine({PLUGIN: (0, version + "\n", "")})
    found = find_compose(machine, path_with(tmp_path, "docker", "docker-compose"))
    assert found == ComposeCli(("docker", "compose"), version.removeprefix("v"))
    assert machine.asked == [PLUGIN]


@pytest.mark.parametrize("tools", [("docker", "docker-compose"), ("docker-compose",)])
def test_a_standalone_version_2_stands_in(tmp_path: Path, tools: tuple[str, ...]) -> None:
    machine = Machine({PLUGIN: NO_PLUGIN, STANDALONE: (0, "2.26.1\n", "")})
    assert find_compose(machine, path_with(tmp_path, *tools)) == ComposeCli(("docker-compose",), "2.26.1")


def test_version_1_is_named_with_its_successor(tmp_path: Path) -> None:
    machine = Machine({PLUGIN: NO_PLUGIN, STANDALONE: (0, "1.29.2\n", "")})
    with pytest.raises(OldComposeError, match=r"docker-compose 1\.29\.2") as caught:
        find_compose(machine, path_with(tmp_path, "docker", "docker-compose"))
    assert caught.value.exit_code is ExitCode.ENGINE
    assert caught.value.hint is not None
    assert "docker-compose-plugin" in caught.value.hint
    assert "make engine" in caught.value.hint


def test_version_1_as_the_plugin_does_not_count(tmp_path: Path) -> None:
    machine = Machine({PLUGIN: (0, "1.29.2", ""), STANDALONE: NO_PLUGIN})
    with pytest.raises(ComposeMissingError):
        find_compose(machine, path_with(tmp_path, "docker", "docker-compose"))


def test_no_plugin_is_said_in_the_words_of_docker(tmp_path: Path) -> None:
    with pytest.raises(ComposeMissingError, match="'compose' is not a docker command") as caught:
        find_compose(Machine({PLUGIN: NO_PLUGIN}), path_with(tmp_path, "docker"))
    assert caught.value.exit_code is ExitCode.ENGINE
    assert caught.value.hint


def test_a_silent_docker_is_none(tmp_path: Path) -> None:
    with pytest.raises(ComposeMissingError, match="did not answer"):
        find_compose(Machine({}), path_with(tmp_path, "docker"))


def test_without_docker_no_process_is_started(tmp_path: Path) -> None:
    machine = Machine({})
    with pytest.raises(ComposeMissingError, match="on PATH") as caught:
        find_compose(machine, {"PATH": str(tmp_path)})
    assert caught.value.hint
    with pytest.raises(ComposeMissingError, match="on PATH"):
        guess_compose({})
    assert machine.asked == []


@pytest.mark.parametrize(
    ("tools", "argv"),
    [
        (("docker",), ("docker", "compose")),
        (("docker", "docker-compose"), ("docker", "compose")),
        (("docker-compose",), ("docker-compose",)),
    ],
)
def test_the_likely_one_is_a_guess_without_version(tmp_path: Path, tools: tuple[str, ...], argv: tuple[str]) -> None:
    assert guess_compose(path_with(tmp_path, *tools)) == ComposeCli(argv, "")
