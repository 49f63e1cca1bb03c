"""`optbuild doctor`: what is printed where, and the exit code."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from runtime_factory import make_runtime

from builder.cli import main as cli
from builder.core.process import Command, ProcessResult

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SPEC = """\
[image]
name = "a"
[base]
debian = "bookworm"
[airflow]
version = "2.8.1"
[python]
version = "3.11"
[verify]
database = "registry.example/postgres:1"
"""


class NoTools:
    """A machine on which nothing works; it remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Command] = []

    def run(self, command: Command, **_callbacks: object) -> ProcessResult:
        self.asked.append(command)
        return ProcessResult(command, 1, "", "broken")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def doctor(tmp_path: Path) -> Callable[..., tuple[int, str, NoTools]]:
    """``doctor(*argv)``: exit code, stdout and the tools, in a folder with a spec."""
    (tmp_path / "optbuild.toml").write_text(SPEC)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").touch(mode=0o755)

    def call(*argv: str, color: bool = False) -> tuple[int, str, NoTools]:
        out, tools = Terminal(), NoTools()

        env = {"PATH": str(tmp_path / "bin"), "XDG_STATE_HOME": str(tmp_path)}
        runtime = make_runtime(tmp_path, env, runner=tools, out=out, color=color)
        return cli.run(("doctor", *argv), lambda **_: runtime), out.getvalue(), tools

    return call


def test_what_is_missing_stands_in_the_last_line_and_makes_3(doctor: Callable[..., tuple[int, str, NoTools]]) -> None:
    code, out, _ = doctor()
    assert code == 3
    assert out.splitlines()[0] == "✗ Docker engine      broken"
    assert out.splitlines()[1].startswith("                     next: install Docker Engine 23")
    assert out.splitlines()[-1] == "Missing: Docker engine, buildx, mmdebstrap."


def test_json_is_one_document(doctor: Callable[..., tuple[int, str, NoTools]]) -> None:
    code, out, _ = doctor("--format", "json")
    assert (code, json.loads(out)["ready"], json.loads(out)["schema_version"]) == (3, False, 1)


def test_the_spec_s_database_is_what_is_looked_for(
    doctor: Callable[..., tuple[int, str, NoTools]], tmp_path: Path
) -> None:
    def looked_for(*argv: str) -> str:
        _, _, tools = doctor(*argv)
        asked = [command.argv[-1] for command in tools.asked if "imagetools" in command.argv]
        return next(image for image in asked if not image.startswith("debian:"))

    assert looked_for() == "registry.example/postgres:1"
    (tmp_path / "optbuild.toml").write_text("broken")
    assert looked_for() == "postgres:13"
    assert looked_for("elsewhere") == "postgres:13"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(
    doctor: Callable[..., tuple[int, str, NoTools]], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    _, out, _ = doctor()
    assert max(map(len, out.splitlines())) <= width


@pytest.mark.parametrize("color", [True, False])
def test_colour_only_where_it_is_wanted(doctor: Callable[..., tuple[int, str, NoTools]], color: bool) -> None:
    _, out, _ = doctor(color=color)
    assert ("\x1b[31m✗\x1b[0m" in out) == color


@pytest.mark.parametrize("kind", ["image", "airflow"])
def test_the_base_of_the_spec_is_asked_for(
    doctor: Callable[..., tuple[int, str, NoTools]], tmp_path: Path, kind: str
) -> None:
    text = SPEC.replace('debian = "bookworm"', f'{kind} = "registry.example/base:1"')
    (tmp_path / "optbuild.toml").write_text(text)
    _, said, tools = doctor()
    assert "registry.example/base:1 is not here and cannot be pulled" in " ".join(said.split())
    assert any(command.argv[-1] == "registry.example/base:1" for command in tools.asked)
