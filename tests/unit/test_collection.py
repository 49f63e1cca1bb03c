"""Every test file on disk is collected: pytest leaves out folders whose names it takes for results of a build."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import pytest
from file_forks import group_by_file, read_count

TESTS = Path(__file__).parents[1]


def left_out(paths: list[Path], folders: list[str], names: list[str]) -> list[Path]:
    """Of ``paths``, those in a folder that pytest does not look into, or with a name that it does not take."""
    return [
        path
        for path in paths
        if any(fnmatch(part, pattern) for part in path.parent.parts for pattern in folders)
        or not any(fnmatch(path.name, pattern) for pattern in names)
    ]


def test_every_test_file_is_collected(pytestconfig: pytest.Config) -> None:
    files = [path.relative_to(TESTS) for path in TESTS.rglob("test_*.py")]
    assert Path("unit/image/build/test_promote.py") in files
    assert left_out(files, pytestconfig.getini("norecursedirs"), pytestconfig.getini("python_files")) == []


def test_a_file_that_is_left_out_is_noticed() -> None:
    files = [Path("unit/build/test_a.py"), Path("unit/b/test_b.py"), Path("unit/c/check_c.py")]
    assert left_out(files, ["build"], ["test_*.py"]) == [files[0], files[2]]


def test_each_test_is_in_one_group_and_those_about_sources_in_the_first(request: pytest.FixtureRequest) -> None:
    items = request.session.items
    groups = group_by_file(items)
    assert sorted(item.nodeid for group in groups for item in group) == sorted(item.nodeid for item in items)
    assert all(len({item.path for item in group}) == 1 for group in groups[1:])
    about_sources = {item.path for item in items if "from source_trees import" in item.path.read_text("utf-8")}
    assert not about_sources.intersection(item.path for group in groups[1:] for item in group)


@pytest.mark.parametrize(("value", "count"), [(None, 1), ("1", 1), ("7", 7)])
def test_the_number_of_processes_is_read(value: str | None, count: int) -> None:
    assert read_count(value) == count


@pytest.mark.parametrize("value", ["0", "-1", "", "two", "1/2"])
def test_a_number_of_processes_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="write how many processes there shall be"):
        read_count(value)


def test_no_two_functions_of_a_file_have_one_name() -> None:
    """The second would take the place of the first, which then runs no more."""
    for path in TESTS.rglob("test_*.py"):
        names = [
            line.split("(")[0] for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("def ")
        ]
        assert len(names) == len(set(names)), path
