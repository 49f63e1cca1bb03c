"""`make setup`: what .ci/setup says and installs. The commands that it calls are small scripts that write down how."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = "bash dirname sed grep rm mktemp cp cat chmod mkdir"
PYTHON = """\
case "$1 $2" in
"-m venv") mkdir -p $3/bin; cp $BIN/noted $3/bin/pip; cp $BIN/noted $3/bin/uv ;;
*"realpath"*) echo $BIN/base-python ;;
*"ensurepip"*) exit ${ENSUREPIP:-0} ;;
*"version_info"*) exit ${VERSION:-0} ;;
esac"""
NOTED = 'last=; for word; do [ "$last" != --requirement ] || cat "$word" >$BIN/uv.requirements; last=$word; done'


@dataclass
class Machine:
    folder: Path

    def __post_init__(self) -> None:
        (self.folder / "bin").mkdir()
        for tool in TOOLS.split():
            (self.folder / "bin" / tool).symlink_to(shutil.which(tool) or tool)
        self.tool("id", "echo 0")
        self.tool("noted", NOTED)
        self.tool("python3", PYTHON)
        self.tool("base-python", PYTHON)

    def tool(self, name: str, body: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f'#!/bin/bash\nBIN={self.folder}/bin\necho "${{0##*/}} $*" >>{self.folder}/calls\n{body}\n')
        path.chmod(0o755)

    def setup(self, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (str(ROOT / ".ci/setup"), str(self.folder / "venv")),
            env={"PATH": str(self.folder / "bin"), "TMPDIR": str(self.folder), **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def calls(self, name: str) -> list[str]:
        lines = (self.folder / "calls").read_text().splitlines() if (self.folder / "calls").exists() else []
        return [line for line in lines if line.startswith(f"{name} ")]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_installer_itself_is_pinned_by_hash(machine: Machine) -> None:
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    (install,) = machine.calls("pip")
    assert "--require-hashes" in install
    name, *hashes = (machine.folder / "bin/uv.requirements").read_text().splitlines()
    assert name.startswith("uv==")
    assert hashes
    assert all(line.strip().startswith("--hash=sha256:") for line in hashes)
    assert list(machine.folder.glob("tmp.*")) == []


def test_an_active_environment_can_be_made_anew(machine: Machine) -> None:
    """Its own python3 is first on PATH then, and is gone before the new one is made."""
    assert machine.setup().returncode == 0
    assert machine.calls("base-python") == [f"base-python -m venv {machine.folder}/venv"]
    assert not [call for call in machine.calls("python3") if "-m venv" in call]


@pytest.mark.parametrize("named", ["/elsewhere/python3.10", ""], ids=["a path", "empty"])
def test_an_old_python_is_told_of_a_command_that_exists(machine: Machine, named: str) -> None:
    done = machine.setup(PYTHON=named, VERSION="1")
    assert done.returncode == 3
    assert done.stderr == (
        f"optbuild: Python 3.11 or newer is needed, and {named or 'python3'} is not. "
        "Next: make setup PYTHON=/path/to/python3.11\n"
    )
    dry = ("make", "--dry-run", "--always-make", "setup", "PYTHON=/path/to/python3.11")
    shown = subprocess.run(dry, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "PYTHON=/path/to/python3.11 .ci/setup" in shown


def without_python(machine: Machine) -> None:
    shutil.move(machine.folder / "bin/python3", machine.folder / "bin/python3.new")


def test_without_python_debian_gives_one(machine: Machine) -> None:
    without_python(machine)
    machine.tool("apt-get", '[[ " $* " != *" python3 "* ]] || cp $BIN/python3.new $BIN/python3')
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    assert machine.calls("apt-get")[-1].endswith(" python3 python3-venv")


def test_without_python_a_person_who_is_not_root_is_told(machine: Machine) -> None:
    without_python(machine)
    machine.tool("id", "echo 1000")
    machine.tool("apt-get", "exit 0")
    done = machine.setup()
    assert done.returncode == 3
    assert "Next: install python3 python3-venv" in done.stderr
    assert machine.calls("apt-get") == []


def test_without_venv_debian_gives_it(machine: Machine) -> None:
    machine.tool("apt-get", "exit 0")
    done = machine.setup(ENSUREPIP="1")
    assert done.returncode == 0, done.stderr
    assert machine.calls("apt-get")[-1].endswith(" python3-venv")


def test_an_apt_that_fails_is_said(machine: Machine) -> None:
    machine.tool("apt-get", "echo E: locked >&2; exit 100")
    done = machine.setup(ENSUREPIP="1")
    assert done.returncode == 3
    assert "E: locked" in done.stderr
    assert "Next: install python3-venv by hand" in done.stderr


def test_every_phony_target_has_a_rule() -> None:
    lines = (ROOT / "Makefile").read_text().splitlines()
    phony = next(line for line in lines if line.startswith(".PHONY:")).split()[1:]
    rules = {line.partition(":")[0] for line in lines if not line.startswith(("\t", ".", "#"))}
    assert [target for target in phony if target not in rules] == []
