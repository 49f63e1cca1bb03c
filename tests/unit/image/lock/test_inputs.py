"""What a lock is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.image.lock.inputs import make_lock_inputs

if TYPE_CHECKING:
    from builder.image.spec.model import Spec


def test_the_order_of_the_spec_does_not_matter(spec: Spec) -> None:
    assert make_lock_inputs(spec, ("b", "a", "b")) == make_lock_inputs(spec, ("a", "b"))


def test_one_stage_has_one_layer(spec: Spec) -> None:
    one = spec.model_copy(update={"build": spec.build.model_copy(update={"multi_stage": False})})
    assert [make_lock_inputs(each, ()).layers_max for each in (spec, one)] == [40, 1]
