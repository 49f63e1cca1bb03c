"""The engine's socket breaks off, refuses or is slow: exit code 3 with a next step, old tags stand, nothing is left."""

from __future__ import annotations

import os
import subprocess
import sys
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
