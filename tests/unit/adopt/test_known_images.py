"""`optbuild init` on an image whose tag does not say what is in it: a table does, or the report says that none does."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("base", "airflow", "python"),
    [
        ("apache/airflow:3.1.3", "3.1.3", "3.12"),
        ("apache/airflow:3.3.2", "3.3.2", "3.13"),
        ("quay.io/astronomer/astro-runtime:10.2.0", "2.8.1", "3.11"),
    ],
)
def test_versions(
    init: Callable[..., tuple[int, str, str]], project: Path, base: str, airflow: str, python: str
) -> None:
    (project / "Dockerfile").write_text(f"FROM {base}\n")
    assert init()[2] == ""
    text = (project / "optbuild.toml").read_text()
    assert f'[airflow]\nversion = "{airflow}"  # Dockerfile:1' in text
    assert f'[python]\nversion = "{python}"' in text


@pytest.mark.parametrize("base", ["apache/airflow:2.8.1-python3.11", "python:3.11-slim"])
def test_a_digest_is_the_lock_s(init: Callable[..., tuple[int, str, str]], project: Path, base: str) -> None:
    """Tools that renew versions write it behind the tag."""
    (project / "Dockerfile").write_text(f"FROM {base}@sha256:{'a' * 64}\nRUN pip install apache-airflow==2.8.1\n")
    code, out, err = init()
    assert (code, err) == (0, "")
    assert "Not carried over" not in out
    assert f"· Dockerfile:1: the digest of {base}: `optbuild lock` pins" in out
    spec = tomllib.loads((project / "optbuild.toml").read_text())
    assert base in spec["base"].values()


def test_a_runtime_without_triggers_copies_what_its_dockerfile_says(
    init: Callable[..., tuple[int, str, str]], project: Path
) -> None:
    """``-base`` has no ONBUILD, and the home of Astronomer's images is another one than ours."""
    recipe = (
        "FROM quay.io/astronomer/astro-runtime:10.2.0-base\nCOPY dags dags\n"
        "COPY include/a.sql /usr/local/airflow/include/\nRUN pip install duckdb==0.9.2\n"
    )
    (project / "Dockerfile").write_text(recipe)
    for name in ("dags/a.py", "include/a.sql", "plugins/b.py"):
        (project / name).parent.mkdir()
        (project / name).write_text("")
    (project / "requirements.txt").write_text("polars==1.0.0\n")
    assert init()[2] == ""
    spec = tomllib.loads((project / "optbuild.toml").read_text())
    assert spec["files"] == {"dags": "/opt/airflow/dags", "include/a.sql": "/opt/airflow/include/a.sql"}
    assert "requirements-files" not in spec["python"]


def test_a_python_that_nobody_knows_is_said(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    (project / "Dockerfile").write_text("FROM quay.io/astronomer/astro-runtime:12.1.0\n")
    out = init("--airflow-version", "2.10.3")[1]
    assert "! Dockerfile:1: its Python" in out
    assert "its Python" not in init("--airflow-version", "2.10.3", "--python", "3.11", "--dry-run")[1]


def test_a_runtime_whose_python_debian_lacks_is_said(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    (project / "Dockerfile").write_text("FROM quay.io/astronomer/astro-runtime:9.5.0-python-3.10\n")
    assert "! Dockerfile:1: Python 3.10" in init()[1]
