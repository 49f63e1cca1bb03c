"""What is replaced goes with exactly its own files; what stays keeps all of its own."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

import pytest

from builder.core.resources import find_template_folder

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


@pytest.fixture(scope="module")
def removal() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "remove_distributions", find_template_folder() / "foundation/remove_distributions.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "lib/python3.11/site-packages"
    folder.mkdir(parents=True)
    return folder


def install(site: Path, name: str, version: str, *files: str) -> None:
    information = site / f"{name}-{version}.dist-info"
    own = (f"{information.name}/METADATA", f"{information.name}/RECORD")
    for file in (*files, *own):
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).write_text("x")
    (information / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n"
    )
    (information / "RECORD").write_text("".join(f"{file},,\n" for file in (*files, *own)))


def list_left(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


def test_exactly_its_files_go_with_scripts_bytecode_and_empty_folders(
    removal: ModuleType, site: Path, tmp_path: Path
) -> None:
    install(site, "pandas", "2.1.4", "pandas/__init__.py", "pandas/io/sql.py", "../../../bin/pd")
    install(site, "pandas_gbq", "0.19", "pandas_gbq/__init__.py")
    bytecode = site / f"pandas/__pycache__/__init__.{sys.implementation.cache_tag}.pyc"
    bytecode.parent.mkdir()
    bytecode.write_text("x")
    removal.remove({"pandas"}, [site])
    left = list_left(tmp_path)
    assert [path for path in left if "gbq" not in path] == []
    assert len(left) == 3
    assert not (site / "pandas").exists()
    assert (tmp_path / "bin").is_dir()  # no folder of its own


def test_a_file_of_what_stays_is_left_alone(removal: ModuleType, site: Path, tmp_path: Path) -> None:
    install(site, "one", "1", "google/__init__.py", "google/one.py")
    install(site, "other", "1", "google/__init__.py", "google/other.py")
    removal.remove({"one"}, [site])
    assert [path.rpartition("/")[2] for path in list_left(tmp_path)][:2] == ["__init__.py", "other.py"]


def test_what_somebody_put_beside_it_stays(removal: ModuleType, site: Path) -> None:
    install(site, "pandas", "2.1.4", "pandas/__init__.py")
    (site / "pandas/mine.txt").write_text("x")
    removal.remove({"pandas"}, [site])
    assert [path.name for path in (site / "pandas").iterdir()] == ["mine.txt"]


def test_every_dist_info_of_the_name_goes(removal: ModuleType, site: Path, tmp_path: Path) -> None:
    """Exactly one is there afterwards: that of the layer above."""
    other = tmp_path / "usr/lib/python3/dist-packages"
    other.mkdir(parents=True)
    install(site, "Jinja2", "3.1", "jinja2/a.py")
    install(other, "jinja2", "3.0", "jinja2/a.py")
    removal.remove({"jinja2"}, [site, other])
    assert list_left(tmp_path) == []


def test_without_a_record_nothing_is_removed(removal: ModuleType, site: Path, tmp_path: Path) -> None:
    install(site, "one", "1", "one.py")
    install(site, "two", "1", "two.py")
    (site / "two-1.dist-info/RECORD").unlink()
    before = list_left(tmp_path)
    with pytest.raises(SystemExit, match=r"which files it has of two \(no RECORD\)"):
        removal.remove({"one", "two"}, [site])
    with pytest.raises(SystemExit, match="of absent"):
        removal.remove({"absent"}, [site])
    assert list_left(tmp_path) == before


def test_the_folders_that_hold_distributions(removal: ModuleType, site: Path, tmp_path: Path) -> None:
    system = tmp_path / "usr/lib/python3/dist-packages"
    system.mkdir(parents=True)
    library = tmp_path / "usr/lib/python3.11"
    library.mkdir()
    found = removal.list_sites(tmp_path, [str(library), str(system), str(site), str(tmp_path / "absent/site-packages")])
    assert found == [site, system]
