"""container-structure-test agrees with the contract."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

STRUCTURE = Path(__file__).with_name("structure.yaml")
JUDGE = Path(sys.executable).with_name("container-structure-test")


def judge(image: str, structure: Path) -> subprocess.CompletedProcess[str]:
    command = [str(JUDGE), "test", "--image", image, "--config", str(structure)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_agrees(image: str) -> None:
    done = judge(image, STRUCTURE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_would_disagree(image: str, tmp_path: Path) -> None:
    wrong = tmp_path / "structure.yaml"
    wrong.write_text(STRUCTURE.read_text().replace('user: "50000"', 'user: "root"'))
    assert judge(image, wrong).returncode != 0
