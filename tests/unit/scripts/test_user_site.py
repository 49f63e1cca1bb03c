"""Scripts of a user's site folder: their interpreter is the image's, RECORD knows it, no time stamp moves."""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.util
import os
from typing import TYPE_CHECKING

import pytest

from builder.core.resources import find_template_folder

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


@pytest.fixture(scope="module")
def user_site() -> ModuleType:
    spec = importlib.util.spec_from_file_location("user_site", find_template_folder() / "foundation/user_site.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STAMP = 1_600_000_000
PYTHON = "/usr/local/bin/python3.11"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("#!/home/airflow/.local/bin/python\nrun()\n", f"#!{PYTHON}\nrun()\n"),
        ("#!/home/airflow/.local/bin/python3 -s\nrun()\n", f"#!{PYTHON} -s\nrun()\n"),
        ("#!/home/airflow/.local/bin/pythonw\n", None),
        ("#!/bin/sh\n#!/home/airflow/.local/bin/python\n", None),
        ("", None),
    ],
)
def test_a_script_names_the_images_interpreter(
    text: str, after: str | None, *, user_site: ModuleType, tmp_path: Path
) -> None:
    home = tmp_path / "core-0/home/airflow/.local"
    script, record = home / "bin/tool", home / "lib/python3.11/site-packages/tool-1.dist-info/RECORD"
    script.parent.mkdir(parents=True)
    record.parent.mkdir(parents=True)
    script.write_text(text)
    script.chmod(0o775)
    record.write_text("tool.py,sha256=a,1\n../../../bin/tool,sha256=old,9\ntool-1.dist-info/RECORD,,\n")
    for file in (script, record):
        os.utime(file, (STAMP, STAMP))
    user_site.main(tmp_path, PYTHON)
    assert script.read_text() == (text if after is None else after)
    row = {line[0]: line[1:] for line in csv.reader(record.read_text().splitlines())}
    digest = base64.urlsafe_b64encode(hashlib.sha256(script.read_bytes()).digest()).rstrip(b"=").decode()
    wanted = ["sha256=old", "9"] if after is None else [f"sha256={digest}", str(len(after))]
    assert row["../../../bin/tool"] == wanted
    assert row["tool.py"] == ["sha256=a", "1"]
    assert {int(file.stat().st_mtime) for file in (script, record)} == {STAMP}
    assert script.stat().st_mode & 0o777 == 0o775


def test_a_layer_without_scripts_stays(user_site: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "numpy/home/airflow").mkdir(parents=True)
    user_site.main(tmp_path, PYTHON)
    assert [path.name for path in (tmp_path / "numpy").rglob("*")] == ["home", "airflow"]
