"""The engine's socket breaks off, refuses or is slow: exit code 3 with a next step, old tags stand, nothing is left."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from faulty_socket import Fault, faulty_socket

if TYPE_CHECKING:
    from builder.engine.client import Engine

ROOT = Path(__file__).parents[3]
MAIN = "from builder.cli.main import main; main()"
READERS = (("images",), ("clean",), ("verify", "optbuild-test-nowhere:1"))
CUTS = [0, 1, 40, 300, 2_000]
LONG_CUTS = [2, 17, 100, 700, 1_000, 4_000, 9_000, 20_000, 60_000]


def run(address: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    folders = {"XDG_STATE_HOME": str(folder / "state"), "XDG_CACHE_HOME": str(folder / "cache")}
    env = {**os.environ, **folders, "DOCKER_HOST": address, "PYTHONPATH": str(ROOT)}
    argv = (sys.executable, "-c", MAIN, *words)
    return subprocess.run(argv, env=env, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def check_failure(code: int, err: str) -> None:
    assert code == 3, err
    assert "Traceback" not in err
    assert "next: " in err


@pytest.mark.parametrize("words", READERS, ids=" ".join)
@pytest.mark.parametrize(
    "fault",
    [Fault(cut=0), Fault(cut=300), Fault(status=500), Fault(status=429)],
    ids=["cut at 0", "cut at 300", "500", "429"],
)
def test_a_command_that_reads(fault: Fault, words: tuple[str, ...], tmp_path: Path) -> None:
    with faulty_socket(tmp_path, Fault(cut=fault.cut, status=fault.status)) as address:
        done = run(address, tmp_path, *words)
    check_failure(done.returncode, done.stderr)


COMPOSE = """\
services:
  web: {build: ., command: webserver}
  scheduler: {build: ., command: scheduler}
"""
FAULTS = [Fault(cut=0), Fault(cut=300), Fault(status=500), Fault(status=429), Fault(status=500, path=b"/images/")]
FAULT_NAMES = ["cut at 0", "cut at 300", "500", "429", "500 to its images"]


def list_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def project(tmp_path: Path, name: str) -> Path:
    """The spec and the lock of images/airflow under another name."""
    folder = tmp_path / "project"
    shutil.copytree(ROOT / "images/airflow", folder)
    spec = folder / "optbuild.toml"
    spec.write_text(re.sub(r'name = "[^"]+"', f'name = "{name}"', spec.read_text(encoding="utf-8"), count=1))
    return folder


@pytest.mark.parametrize("fault", FAULTS, ids=FAULT_NAMES)
def test_the_real_build(fault: Fault, project: Path, name: str, tmp_path: Path, images: Any) -> None:
    before = list_files(project)
    with faulty_socket(tmp_path, asked := replace(fault)) as address:
        done = run(address, tmp_path, "build", "--verify", str(project))
    assert asked.hits
    check_failure(done.returncode, done.stderr)
    assert list_files(project) == before
    assert list((tmp_path / "cache/optbuild").glob("contexts/*")) == []
    assert images(name) == ()


@pytest.mark.parametrize("fault", FAULTS, ids=FAULT_NAMES)
def test_a_lock_of_an_image_that_cannot_be_read(fault: Fault, project: Path, tmp_path: Path) -> None:
    """Neither the lock that is there nor another file changes."""
    spec = project / "optbuild.toml"
    text = re.sub(r'debian = "[^"]+"', 'image = "optbuild-test-nowhere/python:3.11"', spec.read_text(encoding="utf-8"))
    spec.write_text(text, encoding="utf-8")
    before = list_files(project)
    with faulty_socket(tmp_path, asked := replace(fault)) as address:
        done = run(address, tmp_path, "lock", str(project))
    assert asked.hits
    check_failure(done.returncode, done.stderr)
    assert list_files(project) == before


@pytest.mark.parametrize("fault", [*FAULTS, Fault(delay=0.2)], ids=[*FAULT_NAMES, "slow"])
def test_a_plan_goes_on_without_the_engine_and_says_so(fault: Fault, tmp_path: Path) -> None:
    """Files are enough for it; bytes that nobody measured are not numbers."""
    folder = tmp_path / "stack"
    folder.mkdir()
    (folder / "compose.yaml").write_text(COMPOSE)
    (folder / "Dockerfile").write_text("FROM apache/airflow:2.8.1\nRUN pip install pandas==2.0.3\n")
    before = list_files(folder)
    with faulty_socket(tmp_path, asked := replace(fault)) as address:
        done = run(address, tmp_path, "plan", "--format", "json", "--file", str(folder / "compose.yaml"))
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert ("bytes are unknown: " in done.stderr) is (fault.delay == 0)
    assert bool(asked.hits) is (fault.delay == 0)
    assert json.loads(done.stdout)["groups"]
    assert list_files(folder) == before


@pytest.mark.parametrize("cut", [*CUTS, *(pytest.param(one, marks=pytest.mark.soak) for one in LONG_CUTS)])
def test_a_build_whose_answers_are_cut(cut: int, tiny: Any, engine: Engine, images: Any, tmp_path: Path) -> None:
    good = tiny.run("--content", "good").json
    with faulty_socket(tmp_path, fault := Fault(cut=cut)) as address:
        done = tiny.run("--content", "new", env={"DOCKER_HOST": address})
    assert fault.hits
    check_failure(done.code, done.err)
    assert {engine.find_image_id(reference) for reference in tiny.references} == {good["id"]}
    after = tiny.run("--content", "new").json
    assert {engine.find_image_id(reference) for reference in tiny.references} == {after["id"]}
    assert tiny.contexts() == []
    assert set(images(tiny.name)) == {good["id"], after["id"]}


@pytest.mark.parametrize("status", [500, 429])
@pytest.mark.parametrize("path", [b"/tag", b"/json", b"/info"], ids=bytes.decode)
def test_a_build_that_is_refused(status: int, path: bytes, tiny: Any, engine: Engine, tmp_path: Path) -> None:
    good = tiny.run("--content", "good").json
    with faulty_socket(tmp_path, fault := Fault(status=status, path=path)) as address:
        done = tiny.run("--content", "new", env={"DOCKER_HOST": address})
    assert fault.hits
    check_failure(done.code, done.err)
    assert {engine.find_image_id(reference) for reference in tiny.references} == {good["id"]}
    after = tiny.run("--content", "new").json
    assert {engine.find_image_id(reference) for reference in tiny.references} == {after["id"]}
    assert tiny.contexts() == []


def test_a_slow_engine_is_waited_for(tiny: Any, tmp_path: Path) -> None:
    """Each kind of question is answered late once."""
    with faulty_socket(tmp_path, fault := Fault(delay=0.5)) as address:
        assert tiny.run("--content", "new", env={"DOCKER_HOST": address}).code == 0
    kinds = {(method, first) for method, first, _ in fault.slowed}
    assert {(b"GET", b"info"), (b"GET", b"images"), (b"POST", b"images"), (b"POST", b"grpc")} <= kinds
