"""The builder of an image of Airflow sees none of its packages."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

import pytest

from builder.core.resources import find_template_folder

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


@pytest.fixture
def builder(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    folder = find_template_folder() / "foundation"
    monkeypatch.syspath_prepend(folder)
    for name in ("stdlib", "remove_distributions"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    spec = importlib.util.spec_from_file_location("airflow_builder", folder / "airflow_builder.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_packages_go_and_the_standard_library_gets_bytecode(
    builder: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[Path] = []
    monkeypatch.setattr(builder.stdlib, "compile_quickly", compiled.append)
    environment, library = tmp_path / ".local", tmp_path / "lib"
    (environment / "lib/python3.11/site-packages/airflow").mkdir(parents=True)
    for _ in range(2):  # the second time it has none, as an image may
        builder.main(environment, library)
        assert not environment.exists()
    assert compiled == [library, library]


def test_what_cannot_be_removed_ends_the_build(
    builder: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder.shutil, "rmtree", lambda _path, **_: None)
    with pytest.raises(SystemExit, match="must run as root"):
        builder.main(tmp_path, tmp_path)
