"""A Debian base that is made here, several stages: no RUN in the final one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.image.render.plan import PlannedInstruction
from builder.image.render.plans.common import (
    FINAL_INSTRUCTIONS,
    SHELL,
    WORKDIR,
    make_plan,
    plan_environment,
    plan_file_copies,
    plan_file_stage,
    plan_own_base,
    plan_package_stages,
    plan_run_copy,
    plan_run_stage,
)

if TYPE_CHECKING:
    from builder.image.lock.model import Lock
    from builder.image.render.plan import RenderPlan
    from builder.image.render.plans.common import PackageStages
    from builder.image.spec.model import Spec


def plan_debian(spec: Spec, lock: Lock) -> RenderPlan:
    """base.tar with added.tar, and builder.tar, become stages."""
    return make_plan(
        spec,
        lock,
        template="debian.Dockerfile.j2",
        variables={"debian": lock.release},
        environment=plan_environment(spec),
        instructions=_list_instructions(spec, plan_own_base(lock), plan_package_stages(lock)),
    )


def _list_instructions(
    spec: Spec, debian: tuple[PlannedInstruction, ...], packages: PackageStages
) -> tuple[PlannedInstruction, ...]:
    return (
        PlannedInstruction("FROM", "scratch AS base"),
        *debian,
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
        *plan_run_stage(spec, packages, (PlannedInstruction("FROM", "builder AS run"),)),
        *plan_file_stage(spec, (SHELL,)),
        PlannedInstruction("FROM", "base"),
        PlannedInstruction("COPY", "--link --from=rootfs /out/ /"),
        WORKDIR,
        *packages.copies,
        PlannedInstruction("COPY", "--link --from=check /out/ /"),
        *plan_run_copy(spec),
        *plan_file_copies(spec),
        *FINAL_INSTRUCTIONS,
    )
