"""`optbuild init` in a folder that a test fills."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from fake_compose import machine
from runtime_factory import make_runtime
from yaml_compose import YamlCompose

from builder.cli import main as cli

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def init(tmp_path: Path, project: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """``init(*words)`` in the folder ``project``: exit code, stdout, stderr."""
    env = machine(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        out = io.StringIO()
        runtime = make_runtime(tmp_path, env, runner=YamlCompose(), out=out)
        code = cli.run(("init", "project", *words), lambda **_: runtime)
        err = capsys.readouterr().err
        assert code in (0, 2), err
        return code, out.getvalue(), err

    return run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder
