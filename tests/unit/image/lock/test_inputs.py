"""What a lock is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.image.lock.inputs import inputs_of

if TYPE_CHECKING:
    from builder.image.spec.model import Spec


def test_the_order_of_the_spec_does_not_matter(spec: Spec) -> None:
    assert inputs_of(spec, ("b", "a", "b")) == inputs_of(spec, ("a", "b"))
