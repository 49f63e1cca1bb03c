"""`optbuild` alone: five lines, and a next command that fits what lies in the folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from builder.cli import main as cli
from builder.cli.overview import COMMANDS
from builder.cli.start_page import format_start_page
from builder.core.progress import SilentProgress
from builder.core.runtime import Runtime

if TYPE_CHECKING:
    from pathlib import Path

SPEC, LOCK, COMPOSE = "optbuild.toml", "optbuild.lock", "compose.yaml"


def page(folder: Path, *names: str, **env: str) -> list[str]:
    nothing: Any = None
    for name in names:
        (folder / name).write_text("")
    return format_start_page(
        Runtime(env, folder, nothing, nothing, nothing, SilentProgress(), color=False)
    ).splitlines()


@pytest.mark.parametrize(
    ("names", "words", "image"),
    [
        ((), "doctor", "no optbuild.toml, Dockerfile or requirements here"),
        ((COMPOSE, "Dockerfile.airflow"), "plan", "Dockerfile.airflow; no optbuild.toml yet"),
        ((COMPOSE, SPEC), "lock", "optbuild.toml, not locked yet"),
        ((SPEC, LOCK), "build --verify", "optbuild.toml, optbuild.lock"),
        ((COMPOSE, SPEC, LOCK), "build --verify", "optbuild.toml, optbuild.lock"),
        (("requirements.txt",), "init" if "init" in COMMANDS else "doctor", "requirements.txt; no optbuild.toml yet"),
    ],
)
def test_it_has_five_lines_and_names_what_comes_next(
    tmp_path: Path, names: tuple[str, ...], words: str, image: str
) -> None:
    lines = page(tmp_path, *names)
    assert len(lines) == 5
    assert all(len(line) <= 80 for line in lines)
    assert lines[2] == f"image    {image}"
    assert lines[3].startswith(f"next     optbuild {words}: ")


def test_it_fits_a_narrow_terminal(tmp_path: Path) -> None:
    (tmp_path / COMPOSE).write_text("")
    nothing: Any = None
    runtime = Runtime({}, tmp_path, nothing, nothing, nothing, SilentProgress(), color=False)
    lines = format_start_page(runtime, 60).splitlines()
    assert len(lines) > 5
    assert all(len(line) <= 60 for line in lines)
    assert {line[:9] for line in lines} > {"next     ", " " * 9}


def test_a_project_above_counts_as_for_compose(tmp_path: Path) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / COMPOSE).write_text("")
    assert page(tmp_path / "dags")[1] == f"compose  {tmp_path / COMPOSE}"


def test_compose_files_that_are_named_and_missing_are_said(tmp_path: Path) -> None:
    lines = page(tmp_path, COMPOSE_FILE="gone.yaml")
    assert len(lines) == 5
    assert "there is no such file" in lines[1]


def test_many_files_are_counted_and_backups_left_out(tmp_path: Path) -> None:
    names = (
        "Dockerfile",
        "Dockerfile.bak",
        "Dockerfile.j2",
        "a.Dockerfile",
        "requirements-dev.txt",
        "requirements.txt",
    )
    assert (
        page(tmp_path, *names)[2]
        == "image    Dockerfile, a.Dockerfile, requirements-dev.txt and 1 more; no optbuild.toml yet"
    )


def test_no_words_after_the_program_print_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nothing: Any = None
    world = Runtime({}, tmp_path, nothing, nothing, nothing, SilentProgress(), color=False)
    assert cli.run((), lambda **_options: world) == 0
    assert capsys.readouterr().out == format_start_page(world) + "\n"
