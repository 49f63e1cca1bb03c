"""What an sdist says of itself: only what its own build must repeat is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from packaging.requirements import Requirement

from builder.image.lock.pylock import LockedFile
from builder.image.lock.sources.metadata import (
    ask_backend,
    parse_static_information,
    parse_static_project,
    read_static_facts,
)
from builder.image.lock.uv import Uv

if TYPE_CHECKING:
    from pathlib import Path

    from builder.core.process import Command

FILE = LockedFile("x", "1", "sdist", "11" * 32, 5, None)
STATIC = "Metadata-Version: 2.2\nName: x\nRequires-Dist: six>1\nProvides-Extra: Ab_C\nDynamic: Description\n"


def test_since_metadata_2_2_what_is_not_dynamic_holds() -> None:
    facts = parse_static_information("x", STATIC)
    assert facts is not None
    assert (facts.requires, facts.extras, facts.elf) == (("six>1",), ("ab-c",), ())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(STATIC.replace("2.2", "2.1"), id="before 2.2"),
        pytest.param(STATIC.replace("2.2", "1.10"), id="long before"),
        pytest.param(STATIC.replace("2.2", "new"), id="not a version"),
        pytest.param(STATIC + "Dynamic: Requires-Dist\n", id="dependencies may change"),
        pytest.param(STATIC + "Dynamic:  requires-dist \n", id="in other letters"),
        pytest.param(STATIC + "Dynamic: Provides-Extra\n", id="extras may change"),
    ],
)
def test_nothing_obliges_any_other_to_be_true(text: str) -> None:
    assert parse_static_information("x", text) is None


PROJECT = """
[project]
name = "x"
dynamic = ["version"]
dependencies = ["Six > 1", 'tomli; python_version < "3.11"']
[project.optional-dependencies]
My_Extra = ["a", 'b; sys_platform == "win32" or sys_platform == "cygwin"']
"""


def test_what_a_project_table_does_not_call_dynamic_holds() -> None:
    facts = parse_static_project("x", PROJECT)
    assert facts is not None
    assert facts.extras == ("my-extra",)
    requirements = {one.name: one for one in map(Requirement, facts.requires)}
    assert list(requirements) == ["Six", "tomli", "a", "b"]

    def holds(name: str, system: str, extra: str) -> bool:
        marker = requirements[name].marker
        return marker is None or marker.evaluate({"sys_platform": system, "extra": extra})

    assert [holds(name, "win32", "my-extra") for name in ("Six", "a", "b")] == [True, True, True]
    assert [holds(name, "win32", "") for name in ("Six", "a", "b")] == [True, False, False]
    assert [holds(name, "linux", "my-extra") for name in ("Six", "a", "b")] == [True, True, False]


def test_a_project_table_without_dependencies_has_none() -> None:
    facts = parse_static_project("x", '[project]\nname = "x"\ndynamic = ["version"]\n')
    assert facts is not None
    assert facts.requires == ()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="none"),
        pytest.param("[tool.poetry]\nname = 'x'\n", id="another table"),
        pytest.param('[project]\nname = "x"\ndynamic = ["dependencies"]\n', id="dynamic"),
        pytest.param('[project]\nname = "x"\ndynamic = ["optional-dependencies"]\n', id="dynamic extras"),
        pytest.param("[project]\nversion = '1'\n", id="incomplete"),
        pytest.param("[project\n", id="broken"),
        pytest.param('[project]\nname = "x"\ndependencies = ["a >>> 1"]\n', id="not a requirement"),
        pytest.param('[project]\nname = "x"\ndependencies = 3\n', id="not a list"),
        pytest.param("project = 3\n", id="not a table"),
    ],
)
def test_any_other_pyproject_says_nothing(text: str) -> None:
    assert parse_static_project("x", text) is None


def make_uv(fake_runner: Any, cache: Path, run: Any = lambda _command: (1, "", "")) -> Uv:
    def answer(command: Command) -> tuple[int, str, str]:
        found: tuple[int, str, str] = (0, f"{cache}\n", "") if command.argv[1:] == ("cache", "dir") else run(command)
        return found

    return Uv("uv", "1", "py", fake_runner(answer), {"A": "b"})


def make_source(cache: Path, **files: str) -> None:
    folder = cache / "sdists-v11/pypi/x/1/abc/src"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / {"information": "PKG-INFO", "project": "pyproject.toml"}[name]).write_text(text)


@pytest.mark.parametrize(
    ("files", "requires"),
    [
        ({"information": STATIC, "project": PROJECT}, ("six>1",)),
        ({"information": "Metadata-Version: 2.1\n", "project": '[project]\nname = "x"\n'}, ()),
        ({"information": "Metadata-Version: 2.1\n"}, None),
        ({}, None),
    ],
)
def test_both_files_are_read(fake_runner: Any, tmp_path: Path, files: Any, requires: Any) -> None:
    make_source(tmp_path, **files)
    facts = read_static_facts(make_uv(fake_runner, tmp_path), FILE, tmp_path)
    assert (None if facts is None else facts.requires) == requires


def test_the_backend_is_asked_with_the_pinned_build_requirements(fake_runner: Any, tmp_path: Path) -> None:
    make_source(
        tmp_path / "uv", project='[build-system]\nrequires=[]\nbuild-backend = "own:it"\nbackend-path = ["a", "b"]\n'
    )
    asked: list[Command] = []

    def run(command: Command) -> tuple[int, str, str]:
        asked.append(command)
        info = tmp_path / "metadata-x/x-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: X\nRequires-Dist: six\n")
        return 0, "", ""

    facts = ask_backend(make_uv(fake_runner, tmp_path / "uv", run), FILE, tmp_path)
    assert facts is not None
    assert (facts.name, facts.requires) == ("x", ("six",))
    (command,) = asked
    assert command.argv[:2] == (str(tmp_path / "venv/bin/python"), "-c")
    assert command.argv[3:] == ("own:it", "a:b", str(tmp_path / "metadata-x"))
    assert command.cwd == tmp_path / "source-x"  # a copy: a backend writes into it
    assert command.env == {"A": "b", "TMPDIR": str(tmp_path)}
    assert command.seconds is not None


@pytest.mark.parametrize("code", [0, 1])
def test_a_backend_that_cannot_say_it_says_nothing(fake_runner: Any, tmp_path: Path, code: int) -> None:
    make_source(tmp_path / "uv")
    assert ask_backend(make_uv(fake_runner, tmp_path / "uv", lambda _c: (code, "", "")), FILE, tmp_path) is None
