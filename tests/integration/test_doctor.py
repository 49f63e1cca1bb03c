"""`optbuild doctor` on this machine, which has an engine: every test here needs one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
OPTBUILD = str(Path(sys.executable).parent / "optbuild")


def optbuild(*argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (OPTBUILD, *argv), capture_output=True, text=True, check=False, timeout=60, env={**os.environ, **env}
    )


def test_this_machine_can_build() -> None:
    result = optbuild("-q", "doctor", "--format", "json")
    document = json.loads(result.stdout)
    states = {finding["name"]: finding["state"] for finding in document["findings"]}
    assert (result.returncode, result.stderr) == (0, "")
    assert states["Docker engine"] == states["buildx"] == states["CA bundle"] == "ok"
    assert "missing" not in states.values()


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


def test_without_mmdebstrap_the_base_needs_a_debian_image_even_with_sqlite(tmp_path: Path) -> None:
    tools, folder = tmp_path / "bin", tmp_path / "image"
    tools.mkdir()
    folder.mkdir()
    (tools / "docker").symlink_to(shutil.which("docker") or "docker is missing")
    spec = (ROOT / "images/airflow/optbuild.toml").read_text()
    spec = spec.replace('"postgres:13"', '"sqlite"')
    (folder / "optbuild.toml").write_text(spec)
    inspect = ("docker", "image", "inspect", "debian:bookworm-slim")
    here = subprocess.run(inspect, capture_output=True, check=False).returncode == 0
    no_registry = "http://127.0.0.1:1"
    result = optbuild("doctor", str(folder), PATH=str(tools), HTTPS_PROXY=no_registry, https_proxy=no_registry)
    assert "not needed: verify.database is sqlite" in result.stdout
    assert ("debian:bookworm-slim, which is here" in result.stdout) == here
    assert ("\u2717 mmdebstrap" in result.stdout) != here
    assert result.returncode == (0 if here else 3)
