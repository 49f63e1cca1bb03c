"""What is known of the Airflow images that somebody publishes."""

from __future__ import annotations

import pytest

from builder.airflow.images import (
    find_airflow_image,
    find_package_manager,
    is_airflow_image,
    parse_image_series,
    parse_image_version,
)


@pytest.mark.parametrize(
    ("reference", "user", "sets_version", "pins"),
    [
        ("apache/airflow:2.8.1", "airflow", True, False),
        ("docker.io/apache/airflow@sha256:00", "airflow", True, False),
        ("registry.example:5000/mirror/apache/airflow:slim-2.9.3", "airflow", True, False),
        ("bitnami/airflow:2.8.1", "1001", False, False),
        ("bitnamilegacy/airflow-worker:2", "1001", False, False),
        ("puckel/docker-airflow:1.10.9", "airflow", False, False),
        ("quay.io/astronomer/ap-airflow:2.2.4", "astro", False, True),
        ("quay.io/astronomer/astro-runtime:12.9.0-base", "astro", False, True),
        ("astrocrpublic.azurecr.io/runtime:3.1-7-base", "astro", False, True),
    ],
)
def test_what_a_base_brings(reference: str, user: str, sets_version: bool, pins: bool) -> None:
    found = find_airflow_image(reference)
    assert found is not None
    assert (found.user, found.sets_version, found.pins_airflow) == (user, sets_version, pins)


@pytest.mark.parametrize(
    "reference", ["mycompany/airflow:2.8.1", "team/docker-airflow:7", "myapache/airflow:2.8.1", "x.example/y/airflow"]
)
def test_of_somebody_elses_image_only_the_name_is_known(reference: str) -> None:
    assert is_airflow_image(reference)
    assert find_airflow_image(reference) is None
    assert (parse_image_version(reference), find_package_manager(reference)) == (None, None)


@pytest.mark.parametrize(
    "reference", ["mcr.microsoft.com/dotnet/runtime:8.0", "runtime:3.1-7", "nvidia/cuda:12-runtime", "", None]
)
def test_another_runtime_is_not_airflow(reference: str | None) -> None:
    assert not is_airflow_image(reference)
    assert parse_image_series(reference) is None


@pytest.mark.parametrize(
    ("reference", "version", "series"),
    [
        ("apache/airflow:slim-2.8.1-python3.11", "2.8.1", "2.8"),
        ("apache/airflow:latest", None, None),
        ("bitnami/airflow:2.10.5-debian-12-r7", "2.10.5", "2.10"),
        ("bitnami/airflow:2.10", None, "2.10"),
        ("bitnami/airflow:2", None, None),
        ("quay.io/astronomer/ap-airflow:2.2.4-5-onbuild", "2.2.4", "2.2"),
        ("quay.io/astronomer/astro-runtime:12.9.0-base", None, "2.10"),
        ("quay.io/astronomer/astro-runtime:3.0.4", None, "2.1"),
        ("quay.io/astronomer/astro-runtime:13.1.0-python-3.12", None, "2.11"),
        ("quay.io/astronomer/astro-runtime:99.0.0", None, None),
        ("quay.io/astronomer/astro-runtime:3.0-7", None, "3.0"),
        ("astrocrpublic.azurecr.io/runtime:3.1-7-base", None, "3.1"),
        ("astrocrpublic.azurecr.io/runtime:11.3.0", None, "2.9"),
    ],
)
def test_what_a_tag_means(reference: str, version: str | None, series: str | None) -> None:
    assert (parse_image_version(reference), parse_image_series(reference)) == (version, series)


@pytest.mark.parametrize(
    ("reference", "manager"),
    [
        ("apache/airflow:2.8.1", "apt"),
        ("quay.io/astronomer/ap-airflow:1.10.7-alpine3.10", "apk"),
        ("quay.io/astronomer/astro-runtime:13.1.0-ubi9-python-3.12", None),
        ("python:3.11", None),
    ],
)
def test_the_package_manager_of_a_base(reference: str, manager: str | None) -> None:
    assert find_package_manager(reference) == manager
