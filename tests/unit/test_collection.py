"""Every test file on disk is collected: pytest leaves out folders whose names it takes for results of a build."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import pytest
from file_shares import select_share

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


@pytest.mark.parametrize("count", [1, 2, 7])
def test_each_test_file_is_in_one_share(count: int) -> None:
    files = sorted((TESTS / "unit").rglob("test_*.py"))
    shares = [select_share(files, f"{number}/{count}") for number in range(1, count + 1)]
    assert sorted(file for share in shares for file in share) == files
    assert max(map(len, shares[:-1]), default=0) - min(map(len, shares[:-1]), default=0) <= 1
    about_sources = {file for file in files if "source_trees" in file.read_text(encoding="utf-8")}
    assert about_sources
    assert about_sources <= {*shares[-1], Path(__file__)}


@pytest.mark.parametrize("share", ["0/2", "3/2", "1/0", "1", "a/b", "1/2/3"])
def test_a_share_that_is_none_is_refused(share: str) -> None:
    with pytest.raises(ValueError, match="write 1/2 for the first of two"):
        select_share([], share)


def test_no_two_functions_of_a_file_have_one_name() -> None:
    """The second would take the place of the first, which then runs no more."""
    for path in TESTS.rglob("test_*.py"):
        names = [
            line.split("(")[0] for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("def ")
        ]
        assert len(names) == len(set(names)), path
