"""A rollback of a project of which nothing is recorded: its folder was moved, or the state is gone."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from runtime_factory import make_runtime

from builder.cli import main as cli
from builder.core.process import Command, ProcessResult

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COMPOSE = b"services: {web: {image: x}}\n"


class Compose:
    """It says its version; nothing else is asked."""

    def run(self, command: Command, **_callbacks: object) -> ProcessResult:
        assert "version" in command.argv
        return ProcessResult(command, 0, "2.30.0\n", "")


@pytest.fixture
def rollback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """``rollback(*words)`` in a folder with a compose file, without an engine: exit code, stdout, stderr."""
    (tmp_path / "compose.yaml").write_bytes(COMPOSE)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").touch(mode=0o755)
    env = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path), "DOCKER_CONTEXT": "none"}

    def call(*words: str) -> tuple[int, str, str]:
        out = io.StringIO()
        runtime = make_runtime(tmp_path, env, runner=Compose(), out=out)
        code = cli.run(("rollback", "--yes", *words), lambda **_: runtime)
        return code, out.getvalue(), capsys.readouterr().err

    return call


def test_without_a_backup_there_is_nothing_to_do(rollback: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = rollback()
    assert code == 0
    assert out.startswith("nothing to roll back: no optimize of this project is recorded")


def test_a_backup_that_lies_there_is_named_and_nothing_is_changed(
    rollback: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "compose.yaml.bak").write_bytes(b"older")
    code, out, err = rollback()
    assert (code, out) == (1, "")
    assert "no optimize of this project is recorded on this machine, but compose.yaml.bak lies there" in err
    assert "`cp compose.yaml.bak compose.yaml` undoes it" in err
    assert (tmp_path / "compose.yaml").read_bytes() == COMPOSE


def test_a_backup_that_says_the_same_is_nothing_to_undo(
    rollback: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "compose.yaml.bak").write_bytes(COMPOSE)
    assert rollback()[0] == 0


def test_names_with_blanks_can_be_pasted(rollback: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    (tmp_path / "my shop").mkdir()
    (tmp_path / "my shop/compose.yaml").write_bytes(COMPOSE)
    (tmp_path / "my shop/a b.yaml").write_bytes(COMPOSE)
    (tmp_path / "my shop/a b.yaml.bak.1").write_bytes(b"older")
    code, _, err = rollback("-f", "my shop/compose.yaml", "-f", "my shop/a b.yaml")
    assert code == 1
    assert "`diff 'a b.yaml.bak.1' 'a b.yaml'`" in err
