"""Real files: what is read in them, as they lie there and with all that they need."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from real_files import CORPUS_FILES, FILES, compose, copy_project, environment, name_of, questioned, read

from builder.compose.load.discover import discover_project
from builder.core.errors import ComposeError

if TYPE_CHECKING:
    from builder.compose.model import Project

UNRESOLVED = {
    "merges": "env file",
    "06": "env file",
    "22": "env file",
    "28": "env file",
    "30": "env file",
    "08": "undefined network",
}
"""The files that Compose refuses as they lie there, and what it says."""
FURTHER_SOURCES = {"extends": ("common/airflow.yml",), "include": ("stores/compose.yml",)}
"""What a file extends or includes."""
NOT_RAW = {"24": "too many colons"}
"""Refused with --no-interpolate."""
SHARERS = {
    "anchors": 4,
    "crlf": 3,
    "dockerfiles": 2,
    "extends": 4,
    "include": 3,
    "merges": 2,
    "shared": 1,
    "02": 8,
    "05": 3,
    "06": 5,
    "07": 5,
    "08": 6,
    "13": 3,
    "17": 7,
    "22": 2,
    "24": 7,
    "26": 3,
    "28": 2,
    "30": 2,
    "42": 3,
}
"""How many services share the largest build, by hand (README.md of the corpus)."""


def corpus() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("file", FILES, ids=name_of)


def test_the_files_are_there() -> None:
    assert len(FILES) - len(CORPUS_FILES) == 7
    assert len(CORPUS_FILES) in {0, 16}, "all real files, or a checkout alone"


def largest_group(project: Project) -> int:
    builds = [service.build for service in project.services.values() if service.build]
    return max((builds.count(build) for build in builds), default=0)


@corpus()
def test_a_real_file_as_it_lies_there(file: Path) -> None:
    project = read(str(file), cwd=file.parent)
    number = name_of(file)
    assert (project.resolved is None) == (number in UNRESOLVED)
    assert (project.raw is None) == (number in NOT_RAW)
    for expected, said in zip([{**UNRESOLVED, **NOT_RAW}.get(number)], project.complaints, strict=False):
        assert expected is not None
        assert expected in said
    assert bool(project.complaints) == (number in UNRESOLVED or number in NOT_RAW)
    if number in SHARERS:
        assert largest_group(project) == SHARERS[number]
    assert set(project.sources) == {file, *(file.parent / name for name in FURTHER_SOURCES.get(number, ()))}
    assert [path for path, data in project.sources.items() if path.read_bytes() != data] == []


@corpus()
def test_a_real_file_with_all_that_it_needs(file: Path, tmp_path: Path) -> None:
    here = copy_project(file, tmp_path / "proj")
    with_env_files(here)
    project = read(cwd=here.parent)
    number = name_of(file)
    assert (project.resolved is None) == (number == "08")
    if number in SHARERS:
        assert largest_group(project) == SHARERS[number]
    if project.resolved is not None:
        typed = compose("--profile", "*", cwd=here.parent)
        assert dict(project.resolved) == typed
        assert list(project.services) == sorted(typed["services"])


def with_env_files(compose_file: Path) -> None:
    """Make the env files that a project names, empty."""
    for _ in range(10):
        try:
            complaints = read(cwd=compose_file.parent).complaints
        except ComposeError as error:
            complaints = (str(error),)
        missing = re.search(r"env file (\S+) not found", "\n".join(complaints))
        if missing is None:
            return
        Path(missing[1]).parent.mkdir(parents=True, exist_ok=True)
        Path(missing[1]).write_text("")


@corpus()
def test_what_it_reads_does_not_depend_on_the_way_it_was_asked(file: Path, tmp_path: Path) -> None:
    """A mirror in which the file has its own bytes answers the same as the real folder."""
    here = copy_project(file, tmp_path)
    files = discover_project((), env=environment(), cwd=tmp_path)
    plain, mirrored = questioned(files), questioned(files, {here: here.read_bytes()})
    assert (plain.resolved, plain.raw) == (mirrored.resolved, mirrored.raw)
    assert [one_of_many(said) for said in plain.complaints] == [one_of_many(said) for said in mirrored.complaints]


def one_of_many(said: str) -> str:
    """Compose goes through a map in no order, and names the first bad service or missing env file that it comes to."""
    return re.sub(r"env file \S+ not found: stat \S+:", "no env file:", re.sub(r'service "[^"]*"', "a service", said))
