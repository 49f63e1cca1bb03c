"""`optbuild verify --dags`: a folder's DAG files in the real image, with the lines of what is wrong in them."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from builder.core.process import Command, LocalRunner, ProcessResult

if TYPE_CHECKING:
    from pathlib import Path

MAIN = (sys.executable, "-c", "from builder.cli.main import main; main()")
HEAD = "from datetime import datetime\nfrom airflow import DAG\n"
GOOD = {
    "etl.py": HEAD
    + "from lib.steps import copy\nfrom airflow.operators.bash import BashOperator\n"
    + "with DAG('etl', start_date=datetime(2020, 1, 1), schedule=None):\n    copy()\n",
    "lib/__init__.py": "",
    "lib/steps.py": "from airflow.operators.bash import BashOperator\n"
    "def copy():\n    return BashOperator(task_id='copy', bash_command='true')\n",
    "later.py": HEAD + "raise ValueError('not read')\n",
    ".airflowignore": "later\n",
}
WARNED = {
    "variable.py": HEAD + "from airflow.models import Variable\nTABLE = Variable.get('table', default_var='t')\n"
    "OTHER = Variable.get('other')\n",
    "connection.py": HEAD
    + "from airflow.hooks.base import BaseHook\ndef find():\n    return BaseHook.get_connection('dwh')\n"
    "find()\n",
    "database.py": HEAD + "from airflow.models import DagRun\nfrom airflow.utils.session import create_session\n"
    "with create_session() as session:\n    session.query(DagRun).first()\n",
    "driver.py": "# airflow, dag\nimport psycopg2\npsycopg2.connect('host=dwh.example')\n",
    "network.py": "# airflow, dag\nimport urllib.request\ntry:\n    urllib.request.urlopen('http://api.example')\n"
    "except OSError:\n    pass\n",
    "slow.py": "# airflow, dag\nimport time\ntime.sleep(5.5)\n",
    "twice.py": HEAD + "with DAG('etl', start_date=datetime(2020, 1, 1), schedule=None):\n    pass\n",
}
BROKEN = {
    "missing.py": (
        "# airflow, dag\nimport lib.steps\nimport nothing_like_it\n",
        3,
        "No module named 'nothing_like_it'",
    ),
    "syntax.py": ("# airflow, dag\nx = (\n", 2, "SyntaxError"),
    "helped.py": ("# airflow, dag\nfrom lib import wrong\n", 2, "ZeroDivisionError"),
    "variable_too.py": (
        HEAD + "from airflow.models import Variable\nVariable.get('x', default_var=1)\nimport nothing_like_it\n",
        5,
        "No module named",
    ),
    "cron.py": (
        HEAD + "with DAG('cron', start_date=datetime(2020, 1, 1), schedule='often'):\n    pass\n",
        3,
        "columns",
    ),
    "ends.py": ("# airflow, dag\nimport sys\nsys.exit('x')\n", 3, "SystemExit"),
    "crashes.py": ("# airflow, dag\nimport os\nos.kill(os.getpid(), 11)\n", None, "signal 11"),
}


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def verify(cwd: Path, *words: str) -> ProcessResult:
    env = {**os.environ, "XDG_CACHE_HOME": str(cwd / "cache"), "XDG_STATE_HOME": str(cwd / "state")}
    return LocalRunner().run(Command((*MAIN, "verify", *words, "--only", "dags"), cwd=cwd, env=env, timeout=300))


def check(done: ProcessResult) -> dict[str, Any]:
    (only,) = json.loads(done.out)["checks"]
    assert only["name"] == "dags"
    return dict(only)


def test_good_dags_pass_and_what_airflow_leaves_out_is_said(image: str, tmp_path: Path) -> None:
    write(tmp_path / "dags", GOOD)
    done = verify(tmp_path, image, "--dags", "dags", "--format", "json")
    assert done.code == 0, done.out + done.err
    found = check(done)
    assert found["message"] == (
        "1 DAG in 1 file; left out as Airflow does: 2 files without the words dag and airflow, 1 file named in "
        ".airflowignore"
    )
    assert found["warnings"] == []


@pytest.fixture(scope="module")
def warned(image: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[ProcessResult, list[str]]:
    cwd = tmp_path_factory.mktemp("warned")
    write(cwd / "dags", {**GOOD, **WARNED})
    done = verify(cwd, image, "--dags", "dags", "--format", "json")
    return done, check(done)["warnings"]


@pytest.mark.parametrize(
    "start",
    [
        "dags/variable.py:4: reads the Variable 'table' when",
        "dags/variable.py:5: reads the Variable 'other' when",
        "dags/variable.py:5: not judged from there on",
        "dags/connection.py:5: reads the Connection 'dwh' when",
        "dags/database.py:6: connects to a database (sqlite)",
        "dags/driver.py:3: connects to a database",
        "dags/network.py:4: looks up the host api.example",
        "dags/slow.py: takes ",
        "the DAG etl is in dags/etl.py and in dags/twice.py",
    ],
)
def test_what_a_file_does_while_it_is_read_is_a_warning(warned: tuple[ProcessResult, list[str]], start: str) -> None:
    done, warnings = warned
    assert done.code == 0, done.out + done.err
    assert [one for one in warnings if one.startswith(start)] != [], warnings
    assert f"warning: dags: {start}" in done.err


def test_broken_dags_fail_with_file_and_line(image: str, tmp_path: Path) -> None:
    write(
        tmp_path / "dags", {**GOOD, "lib/wrong.py": "1 / 0\n", **{name: text for name, (text, _, _) in BROKEN.items()}}
    )
    done = verify(tmp_path, image, "--dags", "dags/", "--format", "junit")
    assert done.code == 1, done.out + done.err
    failure = ET.fromstring(done.out).find("testcase/failure")  # noqa: S314 - our own output
    assert failure is not None
    for name, (_, line, words) in BROKEN.items():
        place = f"dags/{name}:{line}: " if line else f"dags/{name}: "
        (told,) = [one for one in str(failure.text).splitlines() if one.startswith(place)]
        assert words in told
        assert place in done.err


def test_a_spec_names_its_folder(image: str, airflow_folder: Path, tmp_path: Path) -> None:
    for file in airflow_folder.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    text = (tmp_path / "optbuild.toml").read_text()
    (tmp_path / "optbuild.toml").write_text(text.replace("[verify]\n", '[verify]\ndags = "dags"\n'))
    write(tmp_path / "dags", GOOD)
    done = verify(tmp_path, ".", "--format", "json")
    assert done.code == 0, done.out + done.err
    assert check(done)["message"].startswith("1 DAG in 1 file")


@pytest.mark.parametrize(("name", "words"), [("gone", "gone does not exist"), ("file", "file is not a folder")])
def test_a_folder_that_is_none_is_a_usage_error(image: str, tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "file").write_text("x")
    done = verify(tmp_path, image, "--dags", name)
    assert done.code == 2
    assert f"--dags: {words}" in done.err
    assert "next:" in done.err
