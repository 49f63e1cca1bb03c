"""What is pruned from one distribution, by which rule, and what stays because the distribution itself imports it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from build_scripts import load_build_script

from builder.core.slim_rules import RULES, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

SITE = "/venv/lib/python3.11/site-packages"
ALL = [rule.name for rule in RULES if rule.scope is Scope.PYTHON]


@pytest.fixture
def prune() -> Iterator[ModuleType]:
    with load_build_script("prune") as module:
        yield module


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("pandas/tests/test_a.py", "tests"),
        ("pandas/tests/data/a.csv", "tests"),
        ("joblib/test/test_a.py", "tests"),
        ("sklearn/conftest.py", "tests"),
        ("pandas/_libs/lib.pyx", "compiler-sources"),
        ("numpy/core/include/numpy/ndarrayobject.h", "compiler-sources"),
        ("airflow/www/static/dist/main.js.map", "source-maps"),
        ("airflow/www/static/js/main.tsx", "web-sources"),
        ("airflow/www/yarn.lock", "web-sources"),
        ("airflow/www/static/dist/swagger-ui/swagger-ui-es-bundle-core.js", "web-sources"),
        ("airflow/www/static/dist/swagger-ui/swagger-ui-bundle.js", None),
        ("setuptools/cli.exe", "windows-programs"),
        ("google/api/http.proto", "protobuf-sources"),
        ("numpy/__init__.pyi", "type-stubs"),
        ("babel/locale-data/de_AT.dat", "locales"),
        ("a/__pycache__/b.cpython-38.pyc", "foreign-bytecode"),
        ("../../../share/man/man1/ttx.1", "documentation"),
        ("dill-0.3.1.1.dist-info/uv_cache.json", "installer-notes"),
        ("tests/test_a.py", None),
        ("numpy/testing/__init__.py", None),
        ("pandas/_libs/lib.so", None),
        ("package/maps/runtime.map", None),
        ("pkg/tests.py", None),
        ("pkg/share/man/page.1", None),
        ("pandas-stubs/core/frame.pyi", None),
        ("babel/locale-data/en_GB.dat", None),
        ("babel/locale-data/root.dat", None),
        ("babel/global.dat", None),
        ("a/b.cpython-38.pyc", None),
        (f"a/__pycache__/b.{sys.implementation.cache_tag}.pyc", None),
        ("a/translations/de/messages.po", None),
        ("a/my-yarn.lock", None),
    ],
)
def test_find_pruned(prune: ModuleType, path: str, rule: str | None) -> None:
    file = os.path.normpath(f"{SITE}/{path}")
    assert prune.find_pruned([file], SITE, ALL, "x") == ({} if rule is None else {file: rule})


def test_a_rule_that_is_off_takes_nothing(prune: ModuleType) -> None:
    file = f"{SITE}/numpy/__init__.pyi"
    assert prune.find_pruned([file], SITE, [rule for rule in ALL if rule != "type-stubs"], "numpy") == {}


def test_the_committed_list_keeps(prune: ModuleType) -> None:
    file = f"{SITE}/django/test/client.py"
    assert prune.find_pruned([file], SITE, ALL, "django") == {}
    assert prune.find_pruned([file], SITE, ALL, "another") == {file: "tests"}


def test_a_stub_that_lazy_loader_reads_stays(prune: ModuleType, tmp_path: Path) -> None:
    package = tmp_path / "skimage"
    package.mkdir()
    (package / "__init__.py").write_text("import lazy_loader\nx = lazy_loader.attach_stub(__name__, __file__)\n")
    (package / "io.py").write_text("")
    stubs = [f"{package}/__init__.pyi", f"{package}/io.pyi"]
    assert prune.find_pruned(stubs, str(tmp_path), ALL, "scikit-image") == {f"{package}/io.pyi": "type-stubs"}


def test_a_translation_source_goes_where_its_result_lies_beside(prune: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "messages.mo").write_bytes(b"")
    file = f"{tmp_path}/messages.po"
    assert prune.find_pruned([file], str(tmp_path), ALL, "x") == {file: "translation-sources"}


@pytest.mark.parametrize(
    ("importer", "stays"),
    [
        ("tables", {"tables/tests/__init__.py", "tables/tests/common.py", "tables/tests/data.h5"}),
        ("scipy.special._precompute.hyp2f1_data", set()),
    ],
    ids=["imported", "imported by what nobody imports"],
)
def test_tests_that_the_package_imports_stay(prune: ModuleType, importer: str, stays: set[str]) -> None:
    distribution = importer.partition(".")[0]
    names = ("tests/__init__.py", "tests/common.py", "tests/data.h5", "more/tests/__init__.py", "conftest.py")
    pruned = {f"{SITE}/{distribution}/{name}": "tests" for name in names}
    modules = {f"{distribution}.tests": f"{SITE}/{distribution}/tests/__init__.py"}
    with load_build_script("imports") as imports:
        found = imports.Imports(frozenset(), frozenset({f"{distribution}.tests"}))
    revived = prune.list_imported_tests(pruned, modules, {importer: found}, [], site=SITE, distribution=distribution)
    assert {path.removeprefix(f"{SITE}/") for path in revived} == stays


def test_every_rule_for_python_has_code(prune: ModuleType) -> None:
    carried_out_elsewhere = {"symbols", "column-positions"}  # distribution.py, finish.py
    assert {*prune._TAKES} | carried_out_elsewhere == {*ALL}
