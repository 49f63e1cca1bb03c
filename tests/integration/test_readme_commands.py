"""The README's commands, typed in its order in a project as people have it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
OPTBUILD = Path(sys.executable).with_name("optbuild")
PROJECT = {
    "Dockerfile": "FROM apache/airflow:2.8.1-python3.11\nCOPY requirements.txt /\n"
    "RUN pip install -r /requirements.txt\n",
    "requirements.txt": "pandas==2.0.3\n",
    "compose.yaml": """\
x-airflow: &airflow
  build: .
  environment:
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN: postgresql+psycopg2://airflow:airflow@postgres/airflow
services:
  init: { <<: *airflow, command: db migrate }
  webserver: { <<: *airflow, command: webserver }
  scheduler: { <<: *airflow, command: scheduler }
  postgres: { image: "postgres:13" }
""",
}
EXPECTED = {
    "doctor": (0, 3),
    "plan": (0,),
    "init": (0,),
    "lock": (0,),
    "plan --format github --fail-level warning": (1,),
    "lock --check": (0,),
}
"""Words → exit codes that they may have here; 3 of doctor: this machine lacks something, and it says what."""
ELSEWHERE = {
    "optimize": "compose/test_optimize.py",
    "rollback": "compose/test_optimize.py",
    "build --verify": "image",
    "diff main.tar branch.tar --format markdown --max-growth 5%": "inspect",
    "inspect ml-pipeline-airflow:latest": "inspect",
}
"""Words → the tests of them that have an image to work with."""


def list_commands() -> list[str]:
    text = (REPOSITORY / "README.md").read_text()
    shown = re.findall(r"^\$ optbuild (.*)$", text, re.MULTILINE)
    return [" ".join(words.split("#")[0].split()) for words in shown]


def test_each_command_is_run_here_or_elsewhere() -> None:
    assert set(list_commands()) == {*EXPECTED, *ELSEWHERE}
    assert all((REPOSITORY / "tests/integration" / place).exists() for place in ELSEWHERE.values())


def test_they_work_in_their_order(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    for name, text in PROJECT.items():
        (folder / name).write_text(text)
    env = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    for words in filter(EXPECTED.get, list_commands()):
        done = subprocess.run(
            (OPTBUILD, *words.split()), cwd=folder, env=env, check=False, capture_output=True, text=True
        )
        assert done.returncode in EXPECTED[words], (words, done.stdout, done.stderr)
        if words == "init":
            _use_what_is_at_hand(folder / "optbuild.toml")


def _use_what_is_at_hand(spec: Path) -> None:
    """A base that is made here, and no constraints: neither a registry nor Airflow's own site may be reachable."""
    text, count = re.subn(r'(?m)^airflow = "apache/.*$', 'debian = "bookworm"', spec.read_text())
    assert count == 1, text
    spec.write_text(text.replace("[airflow]\n", "[airflow]\nconstraints = false\n"))


@pytest.mark.parametrize("words", EXPECTED)
def test_every_expectation_is_of_a_command_that_is_shown(words: str) -> None:
    assert words in list_commands()
