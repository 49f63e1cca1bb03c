"""The table of groups: whole, without contradiction, and good enough for what the README promises."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from builder.core.naming import MOST_LAYERS
from builder.image.lock.document import read_lock
from builder.image.lock.layers.groups import find_group, list_ordered_groups
from builder.image.lock.layers.sizes import estimate_layer_bytes
from builder.image.lock.layers.stages import plan_stages
from builder.image.lock.layers.table import CORE, GROUPS, LIBRARIES, LIBRARIES_SUFFIX

if TYPE_CHECKING:
    from builder.image.lock.model import Lock

MOST_STAGES = 12
"""A stage costs 0.45 s of processor time."""
BASE_BYTES = 45_500_000
"""Compressed, of what lies below the Python packages in the seed project's image."""


@pytest.fixture(scope="module")
def seed() -> Lock:
    return read_lock(Path(__file__).parents[5] / "images/airflow/optbuild.lock")


def test_there_are_as_many_groups_as_layers_can_be() -> None:
    assert len(GROUPS) == MOST_LAYERS
    assert sorted(group.from_max for group in GROUPS) == [0, *range(2, MOST_LAYERS + 1)]
    assert list_ordered_groups()[0].from_max == 0


def test_no_name_is_in_two_groups() -> None:
    names = [*CORE, *(name for group in GROUPS for name in (group.name, *group.members.split()))]
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_stages_are_few() -> None:
    assert {group.stage for group in GROUPS} == set(range(1, MOST_STAGES + 1))


@pytest.mark.parametrize("name", sorted(LIBRARIES))
def test_libraries_are_installed_with_their_distribution(name: str) -> None:
    assert find_group(name).stage == find_group(name + LIBRARIES_SUFFIX).stage


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("seaborn", "seaborn"),
        ("apache-airflow-core", "apache-airflow"),
        ("apache-airflow-providers-snowflake", "providers"),
        ("nvidia-cublas-cu12", "torch"),
        ("boto3", "botocore"),
        ("numpy.libs", "numpy.libs"),
        ("six", "core-1"),
        ("my-own-thing", "others-2"),
    ],
)
def test_a_name_has_its_group(name: str, group: str) -> None:
    """Changed, it would move in every image: a person must mean it."""
    assert find_group(name).name == group


@pytest.mark.parametrize(
    ("pin", "share"),
    [
        ("seaborn", 0.004),
        ("psycopg2-binary", 0.02),
        ("matplotlib", 0.046),
        ("scikit-learn", 0.056),
        ("pandas", 0.065),
        ("numpy", 0.035),
    ],
)
def test_a_bump_of_a_pin_pushes_little(seed: Lock, pin: str, share: float) -> None:
    layers = [layer for layer in seed.layers if pin in layer.members]
    assert sum(estimate_layer_bytes(layer, seed) for layer in layers) <= share * measure_whole(seed)


def test_bumps_of_the_pins_pull_a_tenth_of_the_image_on_average(seed: Lock) -> None:
    """overlay2 fetches the changed layer and every layer above it."""
    pins = [line.partition("==")[0] for line in seed.inputs.requirements]
    pulled = 0
    for pin in pins:
        lowest = next(index for index, layer in enumerate(seed.layers) if pin in layer.members)
        pulled += sum(estimate_layer_bytes(layer, seed) for layer in seed.layers[lowest:])
    assert len(pins) == 6
    assert pulled / len(pins) <= 0.10 * measure_whole(seed)


def test_nothing_of_the_seed_image_is_unknown_to_the_table(seed: Lock) -> None:
    assert [layer.name for layer in seed.layers if layer.name.startswith("others")] == []


def measure_whole(lock: Lock) -> int:
    return BASE_BYTES + sum(estimate_layer_bytes(layer, lock) for layer in lock.layers)


@pytest.mark.parametrize("image", ["airflow", "airflow-3", "airflow-celery"])
def test_every_layer_of_an_image_is_made_by_one_stage(image: str) -> None:
    layers = read_lock(Path(__file__).parents[5] / "images" / image / "optbuild.lock").layers
    stages = plan_stages(layers)
    assert sorted(layer.name for stage in stages for layer in stage.layers) == sorted(layer.name for layer in layers)
    assert len(stages) <= MOST_STAGES
