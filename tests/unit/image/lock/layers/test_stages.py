"""Which stage installs what."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from builder.core.naming import MOST_LAYERS
from builder.image.lock.layers.groups import is_libraries
from builder.image.lock.layers.plan import plan_layers
from builder.image.lock.layers.stages import plan_stages
from builder.image.lock.layers.table import GROUPS, LIBRARIES_SUFFIX

ALL = {name: 1_700_000_000 for group in GROUPS if not is_libraries(name := group.name)}


@given(st.integers(1, MOST_LAYERS))
def test_a_distribution_and_its_libraries_come_from_one_stage(most: int) -> None:
    """It is installed once, however few layers there are."""
    stages = plan_stages(plan_layers(ALL, most))
    made = {part: stage.name for stage in stages for layer in stage.layers for part in layer.members}
    assert all(made[part] == made[part.removesuffix(LIBRARIES_SUFFIX)] for part in made)
    assert len({stage.name for stage in stages}) == len(stages) <= 12


def test_a_small_pin_shares_no_stage_with_a_large_one() -> None:
    """A bump runs its stage again."""
    stages = plan_stages(plan_layers(ALL, MOST_LAYERS))
    names = next(made for stage in stages if "seaborn" in (made := {layer.name for layer in stage.layers}))
    assert names <= {"seaborn", "psycopg2-binary", "psycopg2-binary.libs", "others-0", "others-1", "others-2"}


def test_one_layer_is_one_stage() -> None:
    assert len(plan_stages(plan_layers(ALL, 1))) == 1


@given(st.sets(st.sampled_from(sorted(ALL)), min_size=1), st.integers(1, MOST_LAYERS))
def test_a_stage_names_its_layers_bottom_first(names: set[str], most: int) -> None:
    layers = plan_layers(dict.fromkeys(names, 1), most)
    for stage in plan_stages(layers):
        heights = [layers.index(layer) for layer in stage.layers]
        assert heights == sorted(heights)
