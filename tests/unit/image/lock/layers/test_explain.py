"""Why a layer is where it is, in words and bytes."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from builder.image.lock.layers.explain import estimate_stage_cost, explain_layers
from builder.image.lock.layers.plan import plan_layers

if TYPE_CHECKING:
    from builder.image.lock.model import Lock


def test_a_change_pulls_its_layer_and_all_above(lock: Lock) -> None:
    found = explain_layers(lock)
    assert [one.layer for one in found] == [*lock.layers]
    above = [sum(other.pushed for other in found[height:]) for height in range(len(found))]
    assert [one.pulled for one in found] == above


def test_a_folded_layer_names_the_limit_that_folds_it(lock: Lock) -> None:
    layers = plan_layers({one.name: 1 for one in lock.python}, 2)
    inputs = dataclasses.replace(lock.inputs, layers_max=2)
    whys = [one.why for one in explain_layers(dataclasses.replace(lock, layers=layers, inputs=inputs))]
    assert whys == ["2 groups together, because layers.max is 2", "large; pinned by projects"]


def test_an_old_lock_is_told_how_to_get_layers(lock: Lock) -> None:
    (one,) = explain_layers(dataclasses.replace(lock, layers=()))
    assert "optbuild lock" in one.why


def test_one_stage_costs_what_its_packages_would_move_apart(lock: Lock) -> None:
    """Each counts once, however many there are in its layer."""
    several = explain_layers(lock)
    one = dataclasses.replace(lock, layers=plan_layers(dict.fromkeys((one.name for one in lock.python), 1), 1))
    cost = estimate_stage_cost(one)
    assert cost
    pushed = [layer.pushed for one in lock.python for layer in several if one.name in layer.layer.members]
    assert (cost.layers, cost.packages) == (len(several), len(lock.python))
    assert (cost.least, cost.most, cost.mean) == (min(pushed), max(pushed), round(sum(pushed) / len(pushed)))
    assert estimate_stage_cost(dataclasses.replace(lock, python=(), layers=())) is None
