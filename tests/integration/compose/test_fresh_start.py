"""Every project starts on a machine that has none of its images, once optimize has edited its files."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from fresh_engine import second_engine
from fresh_start import complete_project, find_foreign_images, iterate_problems, make_sleeper, try_starts
from own_projects import FOLDER, OWN_PROJECTS
from reach import optimize_files
from real_files import CORPUS_FILES, OWN_FILES, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SAMPLE = tuple(FOLDER / name for name in ("layout-2", "layout-3", "observatory", "library-catalog"))
"""Airflow's own two layouts; an anchor inside a service; a service that another one is built on."""
PROJECTS = (
    *dict.fromkeys((*(FOLDER / name for name in OWN_PROJECTS), *(file.parent for file in OWN_FILES))),
    *CORPUS_FILES,
)
"""Folders, and real files that are a project by themselves."""
AT_ONCE = 3


@dataclass(frozen=True)
class FreshProject:
    """A copy of a project with all that it demands; ``foreign``: the images that it does not build."""

    folder: Path
    foreign: frozenset[str]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of an engine that has the tiny image and nothing else."""
    folder = tmp_path_factory.mktemp("fresh")
    with second_engine(folder) as address:
        env = {key: value for key, value in os.environ.items() if not key.startswith("COMPOSE_")}
        env["DOCKER_HOST"] = address
        make_sleeper(env)
        yield env


def copy_project(source: Path, parent: Path) -> FreshProject:
    folder = parent / "a" / "b" / parent.name  # a context may be above it, and its name is the image's
    if source.is_dir():
        shutil.copytree(source, folder)
    else:
        folder.mkdir(parents=True)
        shutil.copyfile(source, folder / "docker-compose.yml")
    complete_project(folder)
    return FreshProject(folder, frozenset(find_foreign_images(folder)))


def find_problems(
    sources: tuple[Path, ...],
    parent: Path,
    env: dict[str, str],
    change: Callable[[Path], None] = optimize_files,
) -> dict[str, list[str]]:
    """Project → what does not work after ``change``; several at a time, each under a name of its own."""

    def find(source: Path) -> list[str]:
        name = f"real-{name_of(source)}" if source.is_file() else source.name
        project = copy_project(source, parent / name)
        change(project.folder)
        return [*iterate_problems(try_starts(project.folder, project.foreign, env, name))]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return {source.name: found for source, found in zip(sources, pool.map(find, sources), strict=True) if found}


def test_an_optimized_project_starts_where_its_image_is_not(tmp_path: Path, fresh: dict[str, str]) -> None:
    assert find_problems(SAMPLE, tmp_path, fresh) == {}


@pytest.mark.soak
def test_every_optimized_project_starts_where_its_image_is_not(tmp_path: Path, fresh: dict[str, str]) -> None:
    assert find_problems(PROJECTS, tmp_path, fresh) == {}


@pytest.mark.parametrize("way", ["--image-only", "a removed build"])
def test_where_nobody_builds_it_is_seen(tmp_path: Path, fresh: dict[str, str], way: str) -> None:
    """The twins that show that the test above would see it."""

    def change(folder: Path) -> None:
        optimize_files(folder, *(() if way == "a removed build" else (way,)))
        if way == "a removed build":
            file = folder / "compose.yaml"
            text = file.read_text(encoding="utf-8")
            assert text.count("    build: .\n") == 1
            file.write_text(text.replace("    build: .\n", ""), encoding="utf-8")

    ((name, problems),) = find_problems(SAMPLE[2:3], tmp_path, fresh, change).items()
    assert name == "observatory"
    assert len(problems) == 3
    assert all("No such image" in problem for problem in problems[:2])
    assert problems[2].startswith("build: it built nothing of observatory-airflow")
