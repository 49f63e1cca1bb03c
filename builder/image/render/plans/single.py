"""One stage: a RUN in the final stage, whose layer has all Python packages, on a base of our own or on an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.core.debian import RELEASE_EPOCH
from builder.image.render.plan import PlannedInstruction, RenderPlan
from builder.image.render.plans.common import (
    FINAL_INSTRUCTIONS,
    WORKDIR,
    plan_environment,
    plan_labels,
    plan_package_stages,
    require_foundation,
    sort_labels,
)
from builder.image.render.plans.image import ROOT, needs_root, plan_foundation_environment

if TYPE_CHECKING:
    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec

_RUN = PlannedInstruction("RUN")


def plan_single_debian(spec: Spec, lock: Lock) -> RenderPlan:
    """base.tar, and on it one layer."""
    return _make_plan(
        spec,
        lock,
        template="debian-single.Dockerfile.j2",
        variables={"debian": lock.release},
        environment=plan_environment(spec),
        begin=(PlannedInstruction("FROM", "scratch"), PlannedInstruction("ADD", "base.tar /"), _RUN),
    )


def plan_single_image(spec: Spec, lock: Lock) -> RenderPlan:
    """The foundation, and on it a layer of Debian packages and one of all else."""
    foundation = require_foundation(lock)
    root = (ROOT,) if needs_root(foundation) else ()
    return _make_plan(
        spec,
        lock,
        template="image-single.Dockerfile.j2",
        variables={"foundation": foundation.pinned_reference, "needs_root": bool(root)},
        environment=plan_foundation_environment(spec, foundation),
        begin=(PlannedInstruction("FROM", foundation.pinned_reference), *root, _RUN, _RUN),
    )


def _make_plan(
    spec: Spec,
    lock: Lock,
    *,
    template: str,
    variables: dict[str, object],
    environment: dict[str, str],
    begin: tuple[PlannedInstruction, ...],
) -> RenderPlan:
    labels = plan_labels(spec, lock)
    return RenderPlan(
        template=template,
        variables={
            **variables,
            "base_epoch": RELEASE_EPOCH[lock.release],
            "environment": list(environment.items()),
            "epoch": lock.source_date_epoch,
            "labels": sort_labels(labels),
            "stages": plan_package_stages(lock).stages,
            "uv_version": lock.uv.version,
        },
        environment=environment,
        labels=labels,
        instructions=(*begin, WORKDIR, *FINAL_INSTRUCTIONS),
    )
