"""The plan of layers: of every distribution, stable, the same for everybody."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.core.naming import MOST_LAYERS
from builder.image.lock.layers.groups import find_position, list_ordered_groups, list_parts
from builder.image.lock.layers.plan import list_layer_names, plan_layers
from builder.image.lock.layers.table import CORE, GROUPS
from builder.image.lock.model import FALLBACK_EPOCH, PackageLayer

LISTED = sorted({*CORE, *(name for group in GROUPS for name in group.members.split() if not name.endswith("-"))})
NAMES = st.one_of(
    st.sampled_from([*LISTED, "numpy", "scipy", "pandas"]), st.from_regex(r"[a-z]+(-[a-z]+)?", fullmatch=True)
)
UPLOADS = st.integers(FALLBACK_EPOCH, 2_000_000_000)
PROJECTS = st.dictionaries(NAMES, UPLOADS, min_size=1, max_size=60)
MOST = st.integers(1, MOST_LAYERS)


def map_parts(layers: tuple[PackageLayer, ...]) -> dict[str, str]:
    return {part: layer.name for layer in layers for part in layer.members}


@given(PROJECTS, NAMES, UPLOADS, MOST)
def test_one_more_moves_nothing_else(project: dict[str, int], name: str, upload: int, most: int) -> None:
    """Each other distribution stays in its layer, and each layer that does not hold the new one stays as it was."""
    before = plan_layers({key: value for key, value in project.items() if key != name}, most)
    after = plan_layers(project | {name: upload}, most)
    parts = list_parts(name)
    assert map_parts(before) == {part: layer for part, layer in map_parts(after).items() if part not in parts}
    untouched = [layer for layer in after if not {*parts} & {*layer.members}]
    assert [layer for layer in before if layer in untouched] == untouched


@given(PROJECTS, st.data(), MOST)
def test_a_bump_changes_one_layer(project: dict[str, int], data: st.DataObject, most: int) -> None:
    name = data.draw(st.sampled_from(sorted(project)))
    before, after = plan_layers(project, most), plan_layers(project | {name: 2_100_000_000}, most)
    assert map_parts(before) == map_parts(after)
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert [name in layer.members for layer in changed] == [True]


@given(PROJECTS, MOST)
def test_everything_is_in_one_layer_and_no_layer_is_empty(project: dict[str, int], most: int) -> None:
    layers = plan_layers(project, most)
    placed = [part for layer in layers for part in layer.members]
    assert sorted(placed) == sorted(part for name in project for part in list_parts(name))
    assert all(layer.members for layer in layers)
    assert len(layers) <= most


@given(PROJECTS, MOST)
def test_what_lies_above_another_is_never_below_it(project: dict[str, int], most: int) -> None:
    """Whatever the number of layers, so that of a file which two claim always the same one wins."""
    heights = {part: height for height, layer in enumerate(plan_layers(project, most)) for part in layer.members}
    ordered = sorted(heights, key=find_position)
    assert all(heights[low] <= heights[high] for low, high in pairwise(ordered))


@pytest.mark.parametrize("most", range(1, MOST_LAYERS + 1))
def test_there_can_be_just_as_many_layers_as_the_spec_allows(most: int) -> None:
    assert len(list_layer_names(most)) == len(set(list_layer_names(most))) == most


def test_one_layer_holds_all_and_bears_the_newest_time() -> None:
    (layer,) = plan_layers({"pandas": 1_600_000_000, "numpy": 1_700_000_000, "six": None}, 1)
    assert layer == PackageLayer("python", ("numpy", "numpy.libs", "pandas", "six"), 1_700_000_000)


def test_a_time_that_the_index_does_not_say_is_the_oldest_one() -> None:
    (layer,) = plan_layers({"six": None}, MOST_LAYERS)
    assert layer.stamp == FALLBACK_EPOCH


def test_bundled_libraries_keep_their_time_when_their_release_moves() -> None:
    """Else a release with the same libraries would move them: 10 MB of numpy's 17."""
    layers = {layer.name: layer for layer in plan_layers({"numpy": 1_700_000_000}, MOST_LAYERS)}
    assert layers["numpy"].stamp == 1_700_000_000
    assert layers["numpy.libs"].stamp == FALLBACK_EPOCH


def test_what_moves_least_for_its_bytes_lies_lowest() -> None:
    groups = list_ordered_groups()
    alone = [group.moves / group.megabytes for group in groups if not group.with_airflow]
    assert alone == sorted(alone)
    assert [group.with_airflow for group in groups] == sorted((group.with_airflow for group in groups), reverse=True)
