"""What an image has that its tag does not say: only what a source says."""

from __future__ import annotations

import pytest

from builder.airflow.image_contents import find_image_airflow, find_image_python
from builder.airflow.releases import find_release

RUNTIME = "quay.io/astronomer/astro-runtime"


@pytest.mark.parametrize(
    ("reference", "airflow", "python"),
    [
        ("apache/airflow:2.8.1", "2.8.1", "3.8"),
        ("apache/airflow:slim-2.9.0", "2.9.0", "3.12"),
        ("registry.example/apache/airflow:3.1.3", "3.1.3", "3.12"),
        ("apache/airflow:3.2.1", "3.2.1", None),
        ("apache/airflow:3.2.1-python3.11", "3.2.1", "3.11"),
        ("apache/airflow:3.3.0@sha256:" + 64 * "0", "3.3.0", "3.13"),
        ("apache/airflow:3.4.0", "3.4.0", None),
        ("apache/airflow:latest", None, None),
        (f"{RUNTIME}:7.9.0", None, None),
        (f"{RUNTIME}:8.10.0", "2.6.3", "3.10"),
        (f"{RUNTIME}:8.11.0", None, "3.10"),
        (f"{RUNTIME}:9.0.0-python-3.9-base", "2.7.0", "3.9"),
        (f"{RUNTIME}:9.19.5", "2.7.3", "3.11"),
        (f"{RUNTIME}:10.1.0-base", "2.8.0", "3.11"),
        (f"{RUNTIME}:10.2.0", "2.8.1", "3.11"),
        ("astrocrpublic.azurecr.io/runtime:10.9.0", "2.8.4", "3.11"),
        (f"{RUNTIME}:11.0.0", None, "3.11"),
        (f"{RUNTIME}:12.1.0", None, None),
        ("astrocrpublic.azurecr.io/runtime:3.0-2", None, None),
        ("astrocrpublic.azurecr.io/runtime:3.1-7-python-3.12-base", None, "3.12"),
        ("bitnami/airflow:2.10.5-debian-12-r7", "2.10.5", None),
        ("team/runtime:10.2.0", None, None),
    ],
)
def test_tables(reference: str, airflow: str | None, python: str | None) -> None:
    assert (find_image_airflow(reference), find_image_python(reference)) == (airflow, python)


@pytest.mark.parametrize("version", ["2.7.0", "2.8.4", "2.9.3", "2.10.5", "2.11.2", "3.0.6", "3.1.8", "3.3.2"])
def test_each_default_python_is_one_that_airflow_runs_on(version: str) -> None:
    assert find_image_python(f"apache/airflow:{version}") in find_release(version).python_versions
