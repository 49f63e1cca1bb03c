"""`optbuild init` and the schema beside the spec: the first line names it only where it is there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LINE = "#:schema ./optbuild.schema.json\n"


@pytest.fixture(autouse=True)
def recipe(project: Path) -> None:
    (project / "Dockerfile").write_text("FROM apache/airflow:2.8.1-python3.11\n")


def test_both_are_written_and_said(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    out = init()[1]
    assert (project / "optbuild.toml").read_text().startswith(LINE)
    assert json.loads((project / "optbuild.schema.json").read_text())["title"] == "optbuild.toml"
    assert "Wrote project/optbuild.schema.json, " in out


def test_neither_where_nobody_wants_it(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    out = init("--no-schema")[1]
    assert "schema" not in (project / "optbuild.toml").read_text() + out
    assert sorted(path.name for path in project.iterdir()) == ["Dockerfile", "optbuild.toml"]


def test_nothing_is_written_to_try(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    out = init("--dry-run")[1]
    assert out.startswith(LINE)
    assert "Would write project/optbuild.schema.json, " in out
    assert [path.name for path in project.iterdir()] == ["Dockerfile"]


def test_another_one_stays(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    (project / "optbuild.schema.json").write_text("{}")
    document = json.loads(init("--format=json", "--dry-run")[1])
    assert document["schema"] == "project/optbuild.schema.json"
    out = init()[1]
    assert (project / "optbuild.schema.json").read_text() == "{}"
    assert "is not overwritten: `optbuild schema --output project/optbuild.schema.json`" in out.replace("\n", " ")


def test_one_that_is_the_same_is_not_told(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    init()
    (project / "optbuild.toml").unlink()
    assert "schema" not in init()[1]


def test_a_folder_in_its_place(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    (project / "optbuild.schema.json").mkdir()
    code, _, err = init()
    assert (code, "--no-schema" in err) == (2, True)
    assert not (project / "optbuild.toml").exists()
