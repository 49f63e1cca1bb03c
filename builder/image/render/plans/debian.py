"""A Debian base that is made here, several stages: no RUN in the final one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.core.debian import RELEASE_EPOCH
from builder.image.render.plan import PlannedInstruction, RenderPlan
from builder.image.render.plans.common import (
    FINAL_INSTRUCTIONS,
    SHELL,
    WORKDIR,
    plan_environment,
    plan_labels,
    plan_package_stages,
    sort_labels,
)
from builder.image.render.stages import list_building_stages

if TYPE_CHECKING:
    from builder.image.lock.model import Lock
    from builder.image.render.plans.common import PackageStages
    from builder.image.spec.model import Spec


def plan_debian(spec: Spec, lock: Lock) -> RenderPlan:
    """base.tar and builder.tar become stages."""
    environment, labels, packages = plan_environment(spec), plan_labels(spec, lock), plan_package_stages(lock)
    return RenderPlan(
        template="debian.Dockerfile.j2",
        variables={
            "debian": lock.release,
            "base_epoch": RELEASE_EPOCH[lock.release],
            "build_note": ", strip, and the spec's build packages" if spec.apt.build else " and strip",
            "environment": list(environment.items()),
            "epoch": lock.source_date_epoch,
            "stages": packages.stages,
            "building": list_building_stages(lock),
            "layers": packages.layers,
            "labels": sort_labels(labels),
            "uv_version": lock.uv.version,
        },
        environment=environment,
        labels=labels,
        instructions=_list_instructions(packages),
    )


def _list_instructions(packages: PackageStages) -> tuple[PlannedInstruction, ...]:
    return (
        PlannedInstruction("FROM", "scratch AS base"),
        PlannedInstruction("ADD", "base.tar /"),
        PlannedInstruction("FROM", "base AS rootfs"),
        SHELL,
        PlannedInstruction("RUN"),
        PlannedInstruction("FROM", "base AS builder"),
        PlannedInstruction("ADD", "builder.tar /"),
        SHELL,
        PlannedInstruction("RUN"),
        PlannedInstruction("FROM", "builder AS sdists"),
        PlannedInstruction("RUN"),
        *packages.instructions,
        PlannedInstruction("FROM", "builder AS check"),
        PlannedInstruction("RUN"),
        PlannedInstruction("FROM", "base"),
        PlannedInstruction("COPY", "--link --from=rootfs /out/ /"),
        PlannedInstruction("COPY", "--link --from=check /out/ /"),
        WORKDIR,
        *packages.copies,
        *FINAL_INSTRUCTIONS,
    )
