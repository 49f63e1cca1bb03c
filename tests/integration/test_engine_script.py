"""`make engine`: nothing where an engine answers, an installation only as root on Debian 12 or 13, else exit 3."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "builder/engine/install.sh"
TOUCHED = (Path("/etc/apt/preferences.d"), Path("/etc/apt/sources.list.d"), Path("/var/run/docker.pid"))


def run(*prefix: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **(environment or {})}
    return subprocess.run([*prefix, "bash", str(SCRIPT)], env=env, capture_output=True, text=True, check=False)


def stamps() -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in TOUCHED if path.exists()}


def test_touches_nothing_where_an_engine_answers() -> None:
    before = stamps()
    done = run()
    assert done.returncode == 0
    assert "nothing to do" in done.stderr
    assert stamps() == before


def test_an_engine_elsewhere_that_does_not_answer_is_not_replaced() -> None:
    done = run(environment={"DOCKER_HOST": "tcp://127.0.0.1:1"})
    assert done.returncode == 3
    assert "DOCKER_HOST=tcp://127.0.0.1:1 does not answer" in done.stderr
    assert "next:" in done.stderr


@pytest.mark.parametrize(
    ("os_release", "found"),
    [('ID=ubuntu\nPRETTY_NAME="Ubuntu 24.04 LTS"\nVERSION_ID="24.04"\n', "Ubuntu 24.04"), ("ID=debian\n", "Linux")],
    ids=["another system", "a debian without a version"],
)
def test_another_system_is_told_what_to_do(os_release: str, found: str, tmp_path: Path) -> None:
    """In a mount namespace of its own /etc/os-release is another one; an engine's socket is hidden there."""
    fake = tmp_path / "os-release"
    fake.write_text(os_release)
    hide = f"mount --bind {fake} /etc/os-release && mount -t tmpfs none /run && exec bash {SCRIPT}"
    command = ["unshare", "--mount", "sh", "-c", hide]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert found in done.stderr
    assert "next: install Docker Engine 23" in done.stderr


def test_a_person_who_is_not_root_is_told(tmp_path: Path) -> None:
    done = run("setpriv", "--reuid", "65534", "--clear-groups", environment={"HOME": str(tmp_path)})
    assert done.returncode == 3
    assert "not root" in done.stderr
