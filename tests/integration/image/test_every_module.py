"""Every module of the project's image, imported with all files and after pruning: none is lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from builder.cli.runtime import make_local_runtime
from builder.core.slim_rules import RULES
from builder.image.verify.every_module import find_lost_modules, import_every_module

pytestmark = [pytest.mark.soak, pytest.mark.alone]
IMAGE = Path(__file__).parents[3] / "images/airflow"


def build(folder: Path, name: str, slim: str) -> str:
    """The image ID of the project's image under another name, with a ``[slim]`` of its own."""
    shutil.copytree(IMAGE, folder)
    spec = folder / "optbuild.toml"
    text = spec.read_text("utf-8").replace('name = "ml-pipeline-airflow"', f'name = "{name}"')
    spec.write_text(f"{text}\n[slim]\n{slim}", "utf-8")
    command = [str(Path(sys.executable).with_name("optbuild")), "build", str(folder), "--format", "json"]
    done = subprocess.run(command, env={**os.environ}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return str(json.loads(done.stdout)["image_id"])


def test_no_module_is_lost(tmp_path: Path) -> None:
    runtime = make_local_runtime()
    whole = build(tmp_path / "whole", "optbuild-test-whole", "".join(f"{rule.name} = true\n" for rule in RULES))
    pruned = build(tmp_path / "pruned", "optbuild-test-pruned", "".join(f"{rule.name} = false\n" for rule in RULES))
    before, after = import_every_module(runtime, whole), import_every_module(runtime, pruned)
    working = [module for modules in before.values() for module, problem in modules.items() if problem is None]
    assert len(working) > 5000  # pandas, scipy, Airflow; else nothing was looked at
    assert find_lost_modules(before, after) == ()
