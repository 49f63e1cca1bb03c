"""Reading projects with the real Compose, as a test needs it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.compose.load.config import ConfigResult, load_config
from builder.compose.load.discover import discover_project
from builder.compose.load.project import read_project
from builder.core.process import Command, LocalRunner
from builder.engine.compose import guess_compose

if TYPE_CHECKING:
    from builder.compose.model import Project, ProjectFiles

CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "compose"
CORPUS_FILES = sorted(CORPUS.glob("*.yml"))
"""Real files, where their folder lies beside the checkout."""
OWN_FILES = sorted((Path(__file__).parents[2] / "fixtures" / "projects").glob("*/docker-compose.yml"))
"""Small projects of our own that are written in the ways of real ones, each in a folder with all its files."""
FILES = (*OWN_FILES, *CORPUS_FILES)
RUNNER = LocalRunner()


def name_of(file: Path) -> str:
    """Of one of ``FILES``: the folder of our own, the number of a real one."""
    return file.parent.name if file in OWN_FILES else file.name[:2]


def copy_project(file: Path, folder: Path) -> Path:
    """One of ``FILES`` with all that lies beside it if it is our own; alone if it is a real one. The new file."""
    if file in OWN_FILES:
        shutil.copytree(file.parent, folder, dirs_exist_ok=True)
    else:
        folder.mkdir(exist_ok=True)
        shutil.copyfile(file, folder / "docker-compose.yml")
    return folder / "docker-compose.yml"


def environment(**more: str) -> dict[str, str]:
    """Ours, without what would choose another project."""
    return {**{key: value for key, value in os.environ.items() if not key.startswith("COMPOSE_")}, **more}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def read(*files: str, cwd: Path, env: dict[str, str] | None = None) -> Project:
    env = environment() if env is None else env
    return read_project(discover_project(files, env=env, cwd=cwd), guess_compose(env), RUNNER, env)


def questioned(files: ProjectFiles, overlay: dict[Path, bytes] | None = None, **more: str) -> ConfigResult:
    env = environment(**more)
    return load_config(files, guess_compose(env), RUNNER, env, overlay=overlay)


def compose(*words: str, cwd: Path, env: dict[str, str] | None = None) -> dict[str, Any]:
    """What a person gets who types `docker compose WORDS config` in that folder."""
    argv = ("docker", "compose", *words, "config", "--format", "json")
    env = {**(environment() if env is None else env), "PWD": str(cwd)}  # as a shell does that went there
    done = RUNNER.run(Command(argv, cwd=cwd, env=env))
    assert done.ok, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found
