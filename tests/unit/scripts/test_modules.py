"""Which modules a distribution has, as the probe inside of an image tells."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

import pytest

from builder.core.resources import find_template_folder

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


def template(name: str) -> ModuleType:
    found = importlib.util.spec_from_file_location(name, find_template_folder() / "verify" / f"{name}.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("pandas/__init__.py", "pandas"),
        ("pylab.py", "pylab"),
        ("sklearn/svm/_x.cpython-311-x86_64-linux-gnu.so", "sklearn"),
        ("_cffi_backend.cpython-311-x86_64-linux-gnu.so", "_cffi_backend"),
        ("pandas-2.0.3.dist-info/RECORD", ""),
        ("../../../bin/airflow", ""),
        ("share/data.txt", ""),
    ],
)
def test_modules_are_found_by_the_files_of_a_distribution(path: str, module: str) -> None:
    assert template("modules").top_level(path) == module


def test_modules_of_a_distribution_are_those_that_one_imports() -> None:
    assert template("modules").modules_of("packaging") == ["packaging"]
    assert template("modules").modules_of("pytest") == ["py", "pytest"]


MADE = {
    "mlflow/__init__.py": "",
    "pylint_plugins/__init__.py": "import astroid_that_is_not_there",
    "helper.py": "import tabulate_that_is_not_there",
    "native.py": "raise OSError('libgomp.so.1')",
    "driver_mlflow_skinny.py": "import manager_that_is_not_there",
    "skinny.py": "import pkg_resources_that_is_not_there",
}


def make_distribution(folder: Path, *modules: str, requires: str = "") -> str:
    """One that brings these of MADE; its name."""
    for name, text in MADE.items():
        if name.partition("/")[0].removesuffix(".py") in modules:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
    information = folder / "mlflow_skinny-1.dist-info"
    information.mkdir()
    needs = f"Requires-Dist: {requires}\n" if requires else ""
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: mlflow-skinny\nVersion: 1\n{needs}")
    (information / "top_level.txt").write_text("\n".join(modules))
    return "mlflow-skinny"


@pytest.mark.parametrize(
    ("modules", "requires", "expected"),
    [
        (("mlflow", "pylint_plugins"), "", (set(), {"pylint_plugins": "astroid_that_is_not_there"})),
        (("pylint_plugins",), "", ({"pylint_plugins"}, {})),
        (("pylint_plugins", "helper"), "", ({"pylint_plugins", "helper"}, {})),
        (("mlflow", "helper"), 'tabulate-that-is-not-there; extra == "x"', ({"helper"}, {})),
        (("mlflow", "native"), "", ({"native"}, {})),
        (("mlflow", "driver_mlflow_skinny"), "", (set(), {"driver_mlflow_skinny": "manager_that_is_not_there"})),
        (("mlflow", "skinny", "pylint_plugins"), "", ({"skinny", "pylint_plugins"}, {})),
    ],
    ids=[
        "left over",
        "all that there is",
        "nothing imports",
        "of an extra",
        "without its library",
        "for others",
        "its own name",
    ],
)
def test_only_what_a_package_does_not_promise_is_excused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    modules: tuple[str, ...],
    requires: str,
    expected: tuple[set[str], dict[str, str]],
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    for name in modules:
        monkeypatch.delitem(sys.modules, name, raising=False)
    found = template("modules").import_modules(make_distribution(tmp_path, *modules, requires=requires))
    for name in modules:
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert ({*found[0]}, found[1]) == expected
