"""What lies in the layer above the standard Debian packages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from builder.core.debian import RELEASE_PYTHON, list_runtime_packages
from builder.image.lock.document import read_lock
from builder.image.lock.layers.debian_layers import list_added_packages
from builder.image.lock.layers.standard_packages import STANDARD_PACKAGES

if TYPE_CHECKING:
    from builder.image.lock.foundation import Foundation

IMAGES = Path(__file__).parents[5] / "images"
SEED = read_lock(IMAGES / "airflow/optbuild.lock")


def test_what_one_version_of_airflow_asks_for_is_added() -> None:
    assert [package.name for package in list_added_packages(SEED)] == ["gosu"]


@pytest.mark.parametrize("name", ["airflow-3", "airflow-celery"])
def test_nothing_is_added_where_all_is_standard(name: str) -> None:
    lock = read_lock(IMAGES / name / "optbuild.lock")
    assert list_added_packages(lock) == ()
    asked = replace(lock.runtime[0], name="libgomp1")
    assert list_added_packages(replace(lock, runtime=(*lock.runtime, asked))) == (asked,)


def test_without_a_standard_package_there_is_nothing_to_add_to() -> None:
    gosu = list_added_packages(SEED)
    assert list_added_packages(replace(SEED, runtime=gosu)) == ()


def test_on_a_foundation_there_is_no_layer_of_standard_packages(foundation: Foundation) -> None:
    assert list_added_packages(replace(SEED, foundation=foundation)) == ()


@pytest.mark.parametrize("release", RELEASE_PYTHON)
def test_what_every_image_asks_for_is_standard(release: str) -> None:
    assert {*list_runtime_packages(RELEASE_PYTHON[release], gosu=False, extra=())} <= STANDARD_PACKAGES[release]
    assert "gosu" not in STANDARD_PACKAGES[release]
