"""Which modules a distribution has, as the probe inside of an image tells."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from builder.core.resources import find_template_folder

if TYPE_CHECKING:
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
