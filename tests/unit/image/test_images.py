"""Every folder of images/: its spec is right, its lock belongs to it, and no two images take the same name."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.core.naming import list_promoted_references
from builder.operations.project import load_project

IMAGES = sorted(path.parent for path in (Path(__file__).parents[3] / "images").glob("*/optbuild.toml"))


def list_names(folder: Path) -> tuple[str, ...]:
    project = load_project(folder)
    return list_promoted_references(
        project.spec.image.name, project.spec.image.tags, tuple(one.name for one in project.roles)
    )


def test_there_is_one_of_each_kind() -> None:
    assert [path.name for path in IMAGES] == ["airflow", "airflow-3", "airflow-celery"]


@pytest.mark.parametrize("folder", IMAGES, ids=lambda path: path.name)
def test_a_lock_belongs_to_its_spec(folder: Path) -> None:
    assert load_project(folder).lock.python


def test_no_two_images_take_the_same_name() -> None:
    names = [name for folder in IMAGES for name in list_names(folder)]
    assert len(set(names)) == len(names)
    assert {"ml-pipeline-airflow-3-dag-processor:latest", "ml-pipeline-airflow-celery-worker:latest"} < set(names)
