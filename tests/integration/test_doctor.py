"""`optbuild doctor` on this machine, which has an engine: every test here needs one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

OPTBUILD = str(Path(sys.executable).parent / "optbuild")


def optbuild(*argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (OPTBUILD, *argv), capture_output=True, text=True, check=False, timeout=60, env={**os.environ, **env}
    )


def test_this_machine_can_build() -> None:
    started = time.monotonic()
    result = optbuild("-q", "doctor", "--format", "json")
    elapsed = time.monotonic() - started
    document = json.loads(result.stdout)
    states = {finding["name"]: finding["state"] for finding in document["findings"]}
    assert (result.returncode, result.stderr) == (0, "")
    assert states["Docker engine"] == states["buildx"] == states["CA bundle"] == "ok"
    assert "missing" not in states.values()
    assert elapsed < 10  # 1.6 s on an idle machine


def test_text_is_for_people_and_goes_to_stdout() -> None:
    result = optbuild("doctor")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("✓ Docker engine")
    assert lines[-1] == "This machine can build, verify and promote."
    assert "look at this machine" in result.stderr
    assert "\x1b" not in result.stdout


def test_without_an_engine_it_says_so_and_exits_3() -> None:
    result = optbuild("doctor", DOCKER_HOST="unix:///nonexistent.sock")
    assert result.returncode == 3
    assert "✗ Docker engine" in result.stdout
    assert "unix:///nonexistent.sock" in result.stdout
    assert result.stdout.endswith("Missing: Docker engine.\n")


def test_a_terminal_that_is_not_utf_8() -> None:
    result = optbuild("doctor", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert result.returncode == 0
    assert "Docker engine" in result.stdout


def test_a_reader_that_went_away_sees_no_traceback() -> None:
    shell = f"{OPTBUILD} -q doctor | true; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(("/bin/bash", "-c", shell), capture_output=True, text=True, check=False, timeout=60)
    assert (result.stdout, result.stderr) == ("141\n", "")
