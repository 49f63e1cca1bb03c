"""What is pruned, and what stays because something imports it. The scripts run inside the build, so they are loaded
from templates/ by path."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

SCRIPTS = Path(__file__).parents[3] / "templates/scripts"
SITE = Path("/venv/lib/python3.11/site-packages")


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"optbuild_scripts_{name}", SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


prune = load("prune")


@pytest.mark.parametrize(
    ("path", "dead"),
    [
        ("pandas/tests/test_a.py", True),
        ("pandas/tests/data/a.csv", True),
        ("pandas/_libs/lib.pyx", True),
        ("numpy/core/include/numpy/ndarrayobject.h", True),
        ("airflow/www/static/dist/main.js.map", True),
        ("dill-0.3.1.1.dist-info/uv_cache.json", True),
        ("tests/test_a.py", False),
        ("numpy/testing/__init__.py", False),
        ("pandas/_libs/lib.so", False),
        ("package/maps/runtime.map", False),
        ("pkg/tests.py", False),
    ],
)
def test_is_dead(path: str, dead: bool) -> None:
    assert prune.is_dead(SITE / path, SITE, frozenset()) is dead


def test_imported_tests_stay(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    (site / "numpy/core/tests").mkdir(parents=True)
    (site / "scipy").mkdir()
    needed = site / "numpy/core/tests/_natype.py"
    needed.write_text("")
    user = site / "scipy/compat.py"
    user.write_text("import os\nfrom numpy.core.tests import _natype\n")
    keep = prune.imported_test_packages([needed, user])
    assert keep == {"numpy.core"}
    assert not prune.is_dead(needed, site, keep)
    assert prune.is_dead(site / "numpy/lib/tests/test_a.py", site, keep)


def test_a_test_that_imports_tests_keeps_nothing(tmp_path: Path) -> None:
    file = tmp_path / "pandas/tests/test_b.py"
    file.parent.mkdir(parents=True)
    file.write_text("from pandas.tests import helper\n")
    assert prune.imported_test_packages([file]) == frozenset()
