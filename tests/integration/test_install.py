"""A wheel in an empty environment is a working optbuild: the templates come along."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import uv

REPOSITORY = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def optbuild(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The executable of an environment that has the wheel and nothing of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    installer = uv.find_uv_bin()
    run(installer, "build", "--quiet", "--wheel", "--out-dir", folder / "dist", REPOSITORY, cwd=folder)
    run(installer, "venv", "--quiet", "--python", "3.11", folder / "venv", cwd=folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    run(installer, "pip", "install", "--quiet", "--python", folder / "venv/bin/python", wheel, cwd=folder)
    return folder / "venv/bin/optbuild"


def test_renders_the_same_context_as_the_source_tree(optbuild: Path, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": ""}
    installed = run(optbuild, "render", REPOSITORY / "images/airflow", cwd=tmp_path, environment=environment)
    source = run(REPOSITORY / ".venv/bin/optbuild", "render", "images/airflow", cwd=REPOSITORY)
    assert installed == source


def test_finds_every_template(optbuild: Path, tmp_path: Path) -> None:
    """Also those that only verify needs: a file that the wheel forgot would be missed a minute into a run."""
    code = (
        "from builder.core.resources import find_template_folder as f\n"
        "print(*sorted(str(p.relative_to(f())) for p in f().rglob('*') if p.is_file() and '__pycache__' not in str(p)))"
    )
    found = run(optbuild.with_name("python"), "-c", code, cwd=tmp_path).split()
    templates = REPOSITORY / "templates"
    here = (path for path in templates.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert found == sorted(str(path.relative_to(templates)) for path in here)


def test_help_names_the_commands_in_order(optbuild: Path, tmp_path: Path) -> None:
    words = run(optbuild, "--help", cwd=tmp_path)
    positions = [words.index(f"\n  {name} ") for name in ("plan", "lock", "render", "build", "verify", "doctor")]
    assert positions == sorted(positions)
