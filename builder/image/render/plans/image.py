"""An image of somebody else's below, several stages: no RUN in the final one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.image.render.plan import PlannedInstruction
from builder.image.render.plans.common import (
    DEFAULT_PATH,
    FINAL_INSTRUCTIONS,
    SHELL,
    WORKDIR,
    make_plan,
    plan_environment,
    plan_file_copies,
    plan_file_stage,
    plan_package_stages,
    plan_run_copy,
    plan_run_stage,
    require_foundation,
)

if TYPE_CHECKING:
    from builder.image.lock.foundation import Foundation
    from builder.image.lock.model import Lock
    from builder.image.render.plan import RenderPlan
    from builder.image.render.plans.common import PackageStages
    from builder.image.spec.model import Spec

_ROOT_USERS = ("", "root", "0", "root:root", "0:0", "root:0", "0:root")
ROOT = PlannedInstruction("USER", "root")


def plan_image(spec: Spec, lock: Lock) -> RenderPlan:
    """The foundation's own variables stay, ours join them; its PATH stands behind our packages."""
    foundation = require_foundation(lock)
    return make_plan(
        spec,
        lock,
        template="image.Dockerfile.j2",
        variables={"foundation": foundation.pinned_reference, "needs_root": needs_root(foundation)},
        environment=plan_foundation_environment(spec, foundation),
        instructions=_list_instructions(spec, foundation, plan_package_stages(lock)),
    )


def plan_foundation_environment(spec: Spec, foundation: Foundation) -> dict[str, str]:
    """Our variables on a foundation."""
    return plan_environment(spec, dict(foundation.environment).get("PATH") or DEFAULT_PATH)


def needs_root(foundation: Foundation) -> bool:
    """Whether a build stage on it would run as another user."""
    return foundation.user not in _ROOT_USERS


def list_root_instructions(foundation: Foundation) -> tuple[PlannedInstruction, ...]:
    """What a stage on it begins with, behind its FROM."""
    return (ROOT, SHELL) if needs_root(foundation) else (SHELL,)


def _list_instructions(spec: Spec, foundation: Foundation, packages: PackageStages) -> tuple[PlannedInstruction, ...]:
    root = list_root_instructions(foundation)
    return (
        PlannedInstruction("FROM", f"{foundation.pinned_reference} AS base"),
        PlannedInstruction("FROM", "base AS rootfs"),
        *root,
        PlannedInstruction("RUN"),
        PlannedInstruction("FROM", "base AS builder"),
        *root,
        PlannedInstruction("RUN"),
        PlannedInstruction("RUN"),
        PlannedInstruction("FROM", "builder AS sdists"),
        PlannedInstruction("RUN"),
        *packages.instructions,
        PlannedInstruction("FROM", "builder AS check"),
        PlannedInstruction("RUN"),
        *plan_run_stage(spec, packages, (PlannedInstruction("FROM", "builder AS run"),)),
        *plan_file_stage(spec, root),
        PlannedInstruction("FROM", "base"),
        PlannedInstruction("COPY", "--link --from=rootfs /out/ /"),
        WORKDIR,
        *packages.copies,
        PlannedInstruction("COPY", "--link --from=check /out/ /"),
        *plan_run_copy(spec),
        *plan_file_copies(spec),
        *FINAL_INSTRUCTIONS,
    )
