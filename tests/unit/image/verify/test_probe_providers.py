"""Which failed import is a defect of the image, and which an extra that nobody asked for."""

from __future__ import annotations

import importlib.util
import itertools
import stat
import sys
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.resources import find_template_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILES = {
    "airflow/__init__.py",
    "airflow/operators/bash.py",
    "airflow/operators/__init__.py",
    "airflow/providers/common/__init__.py",
    "airflow/providers/common/sql/hooks/sql.py",
    "google/__init__.py",
    "pandas/__init__.py",
    "pandas/_libs/lib.cpython-311-x86_64-linux-gnu.so",
    "single.py",
}
PROVIDERS = ["airflow.providers.common.sql", "airflow.providers.http"]


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script that runs in an image, with made-up distributions."""
    spec = importlib.util.spec_from_file_location("providers", find_template_folder() / "verify/providers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "list_installed_files", lambda: FILES)
    monkeypatch.setattr(module, "list_provider_packages", lambda: PROVIDERS)
    monkeypatch.setattr(module, "is_namespace", lambda name: name == "google")
    return module


@pytest.mark.parametrize(
    ("name", "optional"),
    [
        ("pandas_gbq", True),
        ("kubernetes.client", True),
        ("google.cloud", True),
        ("google.cloud.bigquery", True),
        ("airflow.providers.google", True),
        ("airflow.providers.common.compat", True),
        ("airflow.providers.httpx", True),
        ("airflow.providers.common.sql.hooks.sql", False),
        ("airflow.providers.http.hooks", False),
        ("airflow.operators.bash", False),
        ("airflow.operators.gone", False),
        ("pandas", False),
        ("pandas._libs", False),
        ("pandas._libs.lib", False),
        ("pandas.not_in_this_version", False),
        ("single", False),
        ("sqlite3", False),
        ("distutils.util" if sys.version_info < (3, 12) else "lzma", False),
    ],
)
def test_a_module_is_optional_when_no_installed_distribution_has_it(probe: Any, name: str, optional: bool) -> None:
    assert probe.is_optional(name) is optional


def missing(name: str) -> ModuleNotFoundError:
    return ModuleNotFoundError(f"No module named {name!r}", name=name)


class AirflowOptionalProviderFeatureException(Exception):  # noqa: N818 - Airflow's name
    """As in Airflow."""


def raised(*errors: BaseException) -> BaseException:
    """The last one, each raised while the one before was handled."""
    for first, second in itertools.pairwise(errors):
        second.__context__ = first
    return errors[-1]


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda: missing("pandas_gbq"), "pandas_gbq"),
        (lambda: raised(missing("pandas_gbq"), ImportError("install pandas-gbq")), "pandas_gbq"),
        (lambda: raised(missing("boto3"), AirflowOptionalProviderFeatureException("needs boto3")), "boto3"),
        (lambda: AirflowOptionalProviderFeatureException("needs an extra"), "needs an extra"),
        (lambda: missing("pandas"), None),
        (lambda: ImportError("libodbc.so.2: cannot open shared object file", name="pyodbc"), None),
        (lambda: ImportError("cannot import name 'x' from 'pandas'", name="pandas"), None),
        (lambda: ImportError("no pq wrapper available"), None),
        (lambda: OSError("libldap.so: cannot open shared object file"), None),
        (lambda: raised(missing("fast_json"), OSError("broken")), None),
        (lambda: raised(missing("fast_json"), missing("pandas")), None),
        (lambda: raised(ImportError("broken", name="psycopg2"), ImportError("install psycopg2")), None),
        (lambda: SyntaxError("invalid syntax"), None),
    ],
)
def test_a_defect_is_never_excused(probe: Any, make: Callable[[], BaseException], found: str | None) -> None:
    assert probe.find_optional(make()) == found


def test_modules_and_classes_of_a_provider_are_read_from_its_information(probe: Any) -> None:
    info = {
        "description": "airflow.providers.x.in_prose",
        "versions": ["1.0"],
        "integrations": [{"how-to-guide": ["/docs/x.rst"], "logo": "airflow.providers.x.logo"}],
        "config": {"x": {"options": {"class": {"default": "airflow.providers.x.Example"}}}},
        "operators": [{"integration-name": "X", "python-modules": ["airflow.providers.x.operators.x"]}],
        "connection-types": [{"hook-class-name": "airflow.providers.x.hooks.x.XHook", "connection-type": "x"}],
        "secrets-backends": ["airflow.providers.x.secrets.Backend"],
    }
    assert list(probe.list_texts(info)) == [
        "airflow.providers.x.operators.x",
        "airflow.providers.x.hooks.x.XHook",
        "airflow.providers.x.secrets.Backend",
    ]


@pytest.mark.parametrize("name", ["collections.abc", "collections.abc.Mapping", "os:path.join", "json:dumps [extra]"])
def test_a_module_or_what_is_in_one_is_resolved(probe: Any, name: str) -> None:
    assert list(probe.examine("who", name)) == []


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package ``made`` on the path, its modules never seen before."""
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "whole.py").write_text("class Hook:\n    pass\n")
    (folder / "wrong.py").write_text("import made.gone\n")
    (folder / "asks.py").write_text("import made.whole\nmade.whole.Gone\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [one for one in sys.modules if one.partition(".")[0] == "made"]:
        monkeypatch.delitem(sys.modules, name)
    return folder


@pytest.mark.parametrize(
    ("name", "published", "kind"),
    [
        ("made.whole.Hook", True, None),
        ("made.gone", True, "misnamed"),
        ("made.gone.Hook", True, "misnamed"),
        ("made.gone:main", True, "misnamed"),
        ("made.listed", True, "problem"),
        ("made.listed.Hook", True, "problem"),
        ("made.wrong", True, "problem"),
        ("made.asks", True, "problem"),
        ("made.whole.Gone", True, "misnamed"),
        ("made.whole:gone", True, "misnamed"),
        ("made.whole.Gone", False, "problem"),
    ],
)
def test_what_a_distribution_never_had_is_told_from_what_is_gone(
    probe: Any, made: Path, monkeypatch: pytest.MonkeyPatch, *, name: str, published: bool, kind: str | None
) -> None:
    own = {f"made/{path.name}" for path in made.iterdir()} | {"made/listed.py"}
    monkeypatch.setattr(probe, "list_installed_files", lambda: own)
    monkeypatch.setattr(probe, "is_as_published", lambda _: published)
    assert [one for one, _ in probe.examine("who", name)] == ([kind] if kind else [])


def test_a_problem_names_who_and_what(probe: Any, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "list_installed_files", lambda: {f"made/{path.name}" for path in made.iterdir()})
    assert list(probe.examine("who", "made.wrong")) == [
        ("problem", "who: made.wrong: ModuleNotFoundError: No module named 'made.gone'")
    ]


def test_own_modules_are_those_of_the_list_of_files_though_one_is_gone(probe: Any) -> None:
    assert probe.list_own_modules() == [("Airflow", "airflow.operators.bash")]


@pytest.mark.parametrize(
    ("first", "mode", "found"),
    [
        (f"#!{sys.executable}", 0o755, (sys.executable, "")),
        ("#!/usr/bin/env sh", 0o755, ("", "")),
        ("#!/bin/sh", 0o755, ("", "")),
        ("\x7fELF", 0o755, ("", "")),
        ("#!/opt/gone/python3", 0o755, ("", "its interpreter /opt/gone/python3 is not there")),
        ("#!/usr/bin/env python9.9", 0o755, ("", "its interpreter python9.9 is not there")),
        (f"#!{sys.executable}", 0o644, ("", "it is not executable")),
    ],
)
def test_a_script_needs_its_interpreter(
    probe: Any, tmp_path: Path, first: str, mode: int, found: tuple[str, str]
) -> None:
    script = tmp_path / "script"
    script.write_text(first + "\nprint()\n")
    script.chmod(stat.S_IFREG | mode)
    assert probe.read_interpreter(str(script)) == found
    assert probe.read_interpreter(str(tmp_path / "gone")) == ("", "No such file or directory")
