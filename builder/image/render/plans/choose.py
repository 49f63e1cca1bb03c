"""Which plan a spec and its lock have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.image.lock.layers.debian_layers import list_added_packages
from builder.image.render.plans.airflow import plan_airflow, plan_single_airflow
from builder.image.render.plans.debian import plan_debian
from builder.image.render.plans.image import needs_root, plan_image
from builder.image.render.plans.single import plan_single_debian, plan_single_image

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.image.lock.model import Lock
    from builder.image.render.plan import RenderPlan
    from builder.image.spec.model import BaseKind, Spec

PLANS: dict[tuple[BaseKind, bool], Callable[[Spec, Lock], RenderPlan]] = {
    ("debian", True): plan_debian,
    ("debian", False): plan_single_debian,
    ("image", True): plan_image,
    ("image", False): plan_single_image,
    ("airflow", True): plan_airflow,
    ("airflow", False): plan_single_airflow,
}
"""Kind of base, and whether there are several stages → what plans the Dockerfile."""


def make_plan(spec: Spec, lock: Lock) -> RenderPlan:
    """The plan for the spec's base and stages. ``spec`` and ``lock`` belong together.

    An image of ours that a spec names as ``[base] image`` has all that one of Airflow has, and is extended as that is.
    """
    is_extended = lock.foundation is not None and lock.foundation.has_airflow
    return PLANS["airflow" if is_extended else spec.base.kind, spec.build.multi_stage](spec, lock)


def plan_wheels(lock: Lock) -> tuple[str, dict[str, object]]:
    """Of the Dockerfile that makes nothing but wheels: its template, and the variables for it."""
    if lock.foundation is None:
        return "wheels.Dockerfile.j2", {"added": bool(list_added_packages(lock)), "uv_version": lock.uv.version}
    values = {"foundation": lock.foundation.pinned_reference, "needs_root": needs_root(lock.foundation)}
    return "image-wheels.Dockerfile.j2", {**values, "uv_version": lock.uv.version}
