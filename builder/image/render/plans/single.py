"""One stage: a RUN in the final stage, whose layer has all Python packages, on a base of our own or on an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.image.render.plan import PlannedInstruction
from builder.image.render.plans.common import (
    FINAL_INSTRUCTIONS,
    WORKDIR,
    list_own_runs,
    make_plan,
    plan_environment,
    plan_own_base,
    require_foundation,
)
from builder.image.render.plans.image import ROOT, needs_root, plan_foundation_environment

if TYPE_CHECKING:
    from builder.image.lock.model import Lock
    from builder.image.render.plan import RenderPlan
    from builder.image.spec.model import Spec

_RUN = PlannedInstruction("RUN")


def plan_single_debian(spec: Spec, lock: Lock) -> RenderPlan:
    """base.tar with added.tar, and on them one layer."""
    return make_plan(
        spec,
        lock,
        template="debian-single.Dockerfile.j2",
        variables={"debian": lock.release},
        environment=plan_environment(spec),
        instructions=(
            PlannedInstruction("FROM", "scratch"),
            *plan_own_base(lock),
            _RUN,
            *_list_end(spec),
        ),
    )


def plan_single_image(spec: Spec, lock: Lock) -> RenderPlan:
    """The foundation, and on it a layer of Debian packages and one of all else."""
    foundation = require_foundation(lock)
    root = (ROOT,) if needs_root(foundation) else ()
    return make_plan(
        spec,
        lock,
        template="image-single.Dockerfile.j2",
        variables={"foundation": foundation.pinned_reference, "needs_root": bool(root)},
        environment=plan_foundation_environment(spec, foundation),
        instructions=(PlannedInstruction("FROM", foundation.pinned_reference), *root, _RUN, _RUN, *_list_end(spec)),
    )


def _list_end(spec: Spec) -> tuple[PlannedInstruction, ...]:
    return (WORKDIR, *list_own_runs(spec), *FINAL_INSTRUCTIONS)
