"""`make unit` in several processes: each test runs once, and a failure in any of them is the failure of all."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HELPERS = Path(__file__).parents[1] / "unit/helpers"
CONFTEST = """
from file_forks import Forks

FORKS = Forks(2)

def pytest_runtestloop(session):
    return FORKS.run(session)

def pytest_terminal_summary(terminalreporter):
    FORKS.show(terminalreporter)
"""
SLOW = """
import os, pathlib, time, pytest

@pytest.mark.parametrize("number", range(3))
def test_slow(number):
    pathlib.Path(os.environ["RAN"], f"{__name__}-{number}-{os.getpid()}").touch()
    time.sleep(0.3)
"""


def run(folder: Path) -> tuple[int, str, list[str]]:
    """pytest's exit code, what it printed, and a name for each test that ran, with its process in the end."""
    ran = folder / "ran"
    ran.mkdir()
    (folder / "conftest.py").write_text(CONFTEST)
    env = {**os.environ, "PYTHONPATH": str(HELPERS), "RAN": str(ran)}
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    done = subprocess.run(argv, env=env, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr, sorted(path.name for path in ran.iterdir())


def test_each_test_runs_once_and_both_processes_have_some(tmp_path: Path) -> None:
    for name in "abcdef":
        (tmp_path / f"test_{name}.py").write_text(SLOW)
    code, printed, names = run(tmp_path)
    assert code == 0, printed
    assert [name.rpartition("-")[0] for name in names] == [
        f"test_{one}-{number}" for one in "abcdef" for number in range(3)
    ]
    assert len({name.rpartition("-")[2] for name in names}) == 2
    assert sum(map(int, re.findall(r"(\d+) passed", printed))) == len(names)


@pytest.mark.parametrize(
    ("statement", "words"),
    [("assert 1 == 2, 'it is broken'", "it is broken"), ("__import__('os')._exit(7)", "")],
)
def test_a_failure_in_any_process_is_the_failure_of_all(tmp_path: Path, statement: str, words: str) -> None:
    """Largest files first: each process gets one that fails."""
    for name in "ab":
        (tmp_path / f"test_{name}.py").write_text(f"{SLOW}\n\ndef test_broken():\n    {statement}\n")
    (tmp_path / "test_c.py").write_text(SLOW)
    code, printed, _ = run(tmp_path)
    assert code != 0
    assert words in printed


def test_a_failure_in_the_other_process_alone_is_one_too(tmp_path: Path) -> None:
    here = "def test_here():\n    assert os.getpid() == READER, 'in the other'\n"
    for name in "ab":
        (tmp_path / f"test_{name}.py").write_text(f"import os\nREADER = os.getpid()\n{SLOW}\n\n{here}")
    code, printed, _ = run(tmp_path)
    assert code == 1
    assert len(re.findall(r"^FAILED .*in the other", printed, re.MULTILINE)) == 1
    assert "the process that printed this ended with 1" in printed
