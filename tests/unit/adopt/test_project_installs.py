"""A Dockerfile that installs a project by uv or Poetry, and constraints that a variable names."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AIRFLOW = "FROM apache/airflow:2.8.1-python3.11\n"
PROJECT = '[project]\nname = "x"\nversion = "1"\ndependencies = ["tqdm>=4"]\n'
LOCK = '[[package]]\nname = "tqdm"\nversion = "4.66.1"\n'


def adopt(
    init: Callable[..., tuple[int, str, str]], project: Path, dockerfile: str, **files: str
) -> tuple[dict[str, object], str]:
    """The tables of the spec, and the report."""
    (project / "Dockerfile").write_text(AIRFLOW + dockerfile)
    for name, text in files.items():
        (project / name.replace("_", ".")).write_text(text)
    code, out, err = init()
    assert code == 0, err
    return tomllib.loads((project / "optbuild.toml").read_text()), out


@pytest.mark.parametrize(
    "command",
    [
        "uv sync --frozen --no-install-project --no-dev",
        "poetry config virtualenvs.create false && poetry install --no-root",
    ],
)
def test_a_project_s_requirements_are_those_that_are_locked(
    init: Callable[..., tuple[int, str, str]], project: Path, command: str
) -> None:
    copied = "COPY pyproject.toml uv.lock ./\n"
    spec, out = adopt(init, project, f"{copied}RUN {command}\n", pyproject_toml=PROJECT, uv_lock=LOCK)
    assert spec["python"] == {"version": "3.11", "requirements": ["tqdm==4.66.1"]}
    assert "files" not in spec
    assert "Not carried over" not in out


def test_the_project_itself_and_parts_of_it_stay_open(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    _, out = adopt(init, project, "RUN uv sync --frozen\n", pyproject_toml=PROJECT)
    assert "! Dockerfile:2: ." in out
    (project / "optbuild.toml").unlink()
    _, out = adopt(init, project, "RUN uv sync --extra all\n")
    assert "! Dockerfile:2: RUN uv sync --extra all" in out


def test_constraints_of_a_variable_count(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    dockerfile = "ENV PIP_CONSTRAINT=/c.txt\nCOPY c.txt /\nRUN pip install pandas\n"
    spec, out = adopt(init, project, dockerfile, c_txt="pandas==2.0.3\n")
    assert spec["python"] == {"version": "3.11", "requirements": ["pandas", "pandas==2.0.3"]}
    assert "env" not in spec["image"]  # type: ignore[operator]  # a table
    assert "Not carried over" not in out
