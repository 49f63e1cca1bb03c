"""Folders that images of Airflow lack, as its own ones are."""

from __future__ import annotations

import importlib.util
import os
import stat
from typing import TYPE_CHECKING

import pytest

from builder.core.resources import find_template_folder

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


@pytest.fixture(scope="module")
def folders() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "airflow_folders", find_template_folder() / "foundation/airflow_folders.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_only_what_is_missing_is_made(folders: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "dags").mkdir(mode=0o700)
    (tmp_path / "logs").symlink_to("elsewhere")
    made = folders.make_folders(tmp_path)
    assert [path.name for path in made] == ["config", "plugins"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o775}
    assert {path.stat().st_uid for path in made} == {os.getuid()}
    assert stat.S_IMODE((tmp_path / "dags").stat().st_mode) == 0o700
    assert folders.make_folders(tmp_path) == []


def test_an_image_without_that_home_is_no_image_of_airflow(folders: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="is it an image of Airflow"):
        folders.make_folders(tmp_path / "absent")
