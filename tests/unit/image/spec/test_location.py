"""A spec in a pyproject.toml is read like one of its own, with the lines of that file; two are an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.core.errors import SpecError
from builder.image.spec.location import find_spec_file
from builder.image.spec.positions import read_positions
from builder.image.spec.reader import read_spec

if TYPE_CHECKING:
    from pathlib import Path

OWN = """\
[image]
name = "demo"
[base]
debian = "bookworm"
[airflow]
version = "2.8.1"
[python]
version = "3.11"
"""
SHARED = '[project]\nname = "shop"\n\n' + OWN.replace("[", "[tool.optbuild.")


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)
    return folder


def test_both_places_give_the_same_values(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    own, shared = read_spec(write(tmp_path / "a", optbuild=OWN)), read_spec(write(tmp_path / "b", pyproject=SHARED))
    assert (shared.file, shared.folder) == (str(tmp_path / "b/pyproject.toml"), tmp_path / "b")
    fields = type(own).model_fields.keys() - {"file", "folder"}
    assert {name: getattr(own, name) for name in fields} == {name: getattr(shared, name) for name in fields}


def test_a_mistake_has_the_line_of_the_pyproject(tmp_path: Path) -> None:
    write(tmp_path, pyproject=SHARED.replace('"2.8.1"', '"two"'))
    with pytest.raises(SpecError) as caught:
        read_spec(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}/pyproject.toml:9: airflow.version: ")


def test_the_lines_of_values_are_those_of_the_table(tmp_path: Path) -> None:
    lines = read_positions(write(tmp_path, pyproject=SHARED) / "pyproject.toml")
    assert (lines["image", "name"], lines["python", "version"]) == (5, 11)
    assert ("project", "name") not in lines


def test_two_are_an_error_that_names_both(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        read_spec(write(tmp_path, optbuild=OWN, pyproject=SHARED))
    assert f"{tmp_path}/pyproject.toml:4: " in str(caught.value)
    assert str(tmp_path / "optbuild.toml") in str(caught.value)
    assert "keep one" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", False),
        ('[project]\nname = "optbuild"\n', False),
        ("[tool.optbuilder]\nx = 1\n", False),
        ("[tool.ruff]\nx = 1 # optbuild\n", False),
        ("tool = 1 # optbuild\n", False),
        ("[tool]\noptbuild = 1\n", False),
        ("[tool]\noptbuild = {}\n", True),
        ("[ tool . optbuild ]\n", True),
        ("[tool.optbuild.image]\n", True),
        ("[tool.optbuild]\nname = \n", True),
        ("not toml, optbuild\n", False),
    ],
)
def test_only_the_table_counts(tmp_path: Path, text: str, found: bool) -> None:
    assert (find_spec_file(write(tmp_path, pyproject=text)) is not None) is found


def test_a_pyproject_that_is_named_needs_the_table(tmp_path: Path) -> None:
    path = write(tmp_path, pyproject="[project]\n") / "pyproject.toml"
    with pytest.raises(SpecError, match=r"there is no table \[tool.optbuild\]"):
        read_spec(path)
