"""From a project as somebody has it to an image: init, lock, build, each by the command, and what is in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from adoption import compare_spec, list_samples
from adoption_image import compare_image
from base_cells import write_constraints

from builder.image.spec.reader import read_spec

if TYPE_CHECKING:
    from pathlib import Path

    from builder.engine.client import Engine

MAIN = "from builder.cli.main import main; main()"
SAMPLE = "setup-cfg"
"""Its Airflow, and so nearly all layers, are those of images/airflow."""


def run_optbuild(folder: Path, *words: str) -> str:
    env = {**os.environ, "XDG_STATE_HOME": str(folder.parent / "state")}
    argv = (sys.executable, "-c", MAIN, *words)
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_project_becomes_an_image_with_what_its_original_gives(tmp_path: Path, engine: Engine) -> None:
    sample = next(one for one in list_samples() if one.name == SAMPLE)
    folder = sample.copy_to(tmp_path).rename(tmp_path / f"optbuild-test-{os.getpid()}-adopted")
    (tmp_path / "constraints.txt").write_text(write_constraints("2.8.1"))
    report = json.loads(run_optbuild(folder, "init", "--format=json"))
    assert report["open"] == []
    assert compare_spec(sample, folder) == []
    run_optbuild(folder, "lock", "--quiet", "--constraints", str(tmp_path / "constraints.txt"))
    built = json.loads(run_optbuild(folder, "build", "--quiet", "--format=json"))
    try:
        assert built["reference"].startswith(f"{read_spec(folder).image.name}:")
        assert compare_image(sample, folder, built["reference"]) == []
    finally:
        engine.remove_reference(built["reference"])
