"""One stage on an image of Airflow: only what is added is finished and given away, where it lies."""

from __future__ import annotations

import importlib.util
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from builder.core.resources import find_template_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

INTERPRETER = "/usr/local/bin/python3.11"


def load(name: str, folder: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, find_template_folder() / folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """With those that it imports; none stays."""
    known = {*sys.modules}
    monkeypatch.syspath_prepend(find_template_folder() / "foundation")
    yield load("airflow_single", "foundation")
    for name in {*sys.modules} - known:
        if "foundation" in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def placement() -> Iterator[ModuleType]:
    yield load("placement", "scripts")
    del sys.modules["placement"]


def install(site: Path, name: str, *files: str) -> None:
    record = site / f"{name}-1.dist-info/RECORD"
    for file in (*files, f"{name}-1.dist-info/RECORD"):
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).write_text("x")
    record.write_text("".join(f"{file},,\n" for file in (*files, f"{name}-1.dist-info/RECORD")))


@pytest.mark.parametrize(
    ("layout", "where"),
    [
        ("environment", ("--python", "ENV/bin/python")),
        ("user-site", ("--python", INTERPRETER, "--prefix", "ENV")),
    ],
)
def test_what_is_added_goes_where_airflows_own_packages_lie(
    layout: str, where: tuple[str, ...], *, script: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "requirements.txt").write_text("numpy==1.24.3 --hash=sha256:00\n")
    (tmp_path / "sources.txt").write_text("")
    (command,) = script.list_install_commands(tmp_path, INTERPRETER, layout, tmp_path)
    wanted = tuple(word.replace("ENV", str(tmp_path)) for word in where)
    assert command[5 : 5 + len(wanted)] == wanted
    assert {"--no-deps", "--require-hashes", "--only-binary"} <= {*command}
    (tmp_path / "sources.txt").write_text("dill==0.3.1.1\n")
    *_, sources = script.list_install_commands(tmp_path, INTERPRETER, layout, tmp_path)
    assert {"--no-index", "--no-deps", "--find-links"} <= {*sources}


def test_only_what_is_added_is_finished(script: ModuleType, placement: ModuleType, tmp_path: Path) -> None:
    site = tmp_path / "lib/python3.11/site-packages"
    install(site, "airflow", "airflow/a.py", "shared/__init__.py")
    before = dict.fromkeys((str(path) for path in tmp_path.rglob("*")), None)
    install(site, "numpy", "numpy/a.py", "shared/__init__.py")
    install(site, "seaborn", "seaborn/a.py", "shared/__init__.py")
    (site / "numpy/unlisted.txt").write_text("x")
    layers = (placement.Layer("python", 1, ("numpy", "seaborn", "absent")),)
    groups = script.list_added_groups(tmp_path, layers, before, placement)
    found = {group.name: sorted(path.removeprefix(f"{site}/") for path in group.files) for group in groups}
    assert found == {
        "numpy": ["numpy-1.dist-info/RECORD", "numpy/a.py", "numpy/unlisted.txt"],
        "seaborn": ["seaborn-1.dist-info/RECORD", "seaborn/a.py", "shared/__init__.py"],
    }


def test_folders_that_were_made_are_found_and_empty_ones_go(script: ModuleType, tmp_path: Path) -> None:
    old, changed = tmp_path / "old", tmp_path / "changed"
    for folder in (old, changed):
        folder.mkdir()
    before = {}
    for folder in (old, changed):
        status = folder.lstat()
        before[str(folder)] = (status.st_mode, status.st_uid, status.st_gid)
    before[str(changed)] = (stat.S_IFDIR | 0o2775, 50000, 0)
    (changed / "file").touch()
    (tmp_path / "new/empty/deep").mkdir(parents=True)
    (tmp_path / "new/file").touch()
    assert sorted(folder.name for folder in script.clear_folders(tmp_path, before)) == ["changed", "new"]
    assert not (tmp_path / "new/empty").exists()
    assert old.is_dir()  # an empty folder of the image stays
