"""An image of Airflow below, several stages or one: what it is stays, and only what differs is added."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.image.lock.changes import list_replacements
from builder.image.lock.foundation import ENVIRONMENT
from builder.image.render.plan import PlannedInstruction
from builder.image.render.plans.common import (
    SHELL,
    list_own_runs,
    make_plan,
    plan_file_copies,
    plan_file_stage,
    plan_package_stages,
    plan_role_switches,
    plan_run_copy,
    plan_run_stage,
    require_foundation,
)
from builder.image.render.plans.image import needs_root
from builder.image.render.stages import list_building_stages

if TYPE_CHECKING:
    from builder.image.lock.foundation import Foundation
    from builder.image.lock.model import Lock
    from builder.image.render.plan import RenderPlan
    from builder.image.render.plans.common import PackageStages
    from builder.image.spec.model import Spec


_ROOT = PlannedInstruction("USER", "0")
"""By number, as hadolint asks (DL3066)."""


@dataclass(frozen=True)
class AirflowBase:
    """What of an image of Airflow the Dockerfile depends on."""

    foundation: Foundation
    replaced: tuple[str, ...]
    """Distributions whose files are removed, sorted."""

    @property
    def is_user_site(self) -> bool:
        """Official images have a virtual environment from 2.9 on, and say so in VIRTUAL_ENV."""
        return dict(self.foundation.environment).get("VIRTUAL_ENV") != ENVIRONMENT

    @property
    def shell(self) -> str:
        """As SHELL has it; empty: Docker's own, which a later SHELL cannot ask for by leaving it out."""
        return json.dumps(self.foundation.shell or ("/bin/sh", "-c"), ensure_ascii=False)


def plan_airflow(spec: Spec, lock: Lock) -> RenderPlan:
    """User, entrypoint, variables, working folder and shell are the foundation's. A RUN in the final stage stands only
    where distributions of the foundation are replaced."""
    base, packages = _read_base(lock), plan_package_stages(lock)
    root = (_ROOT, SHELL) if needs_root(base.foundation) else (SHELL,)
    return _make_plan(
        spec,
        lock,
        template="airflow.Dockerfile.j2",
        variables={"shell": base.shell, "is_user_site": base.is_user_site},
        instructions=(
            *_list_stage_instructions(base, packages, has_sources=bool(list_building_stages(lock))),
            *plan_run_stage(
                spec, packages, (PlannedInstruction("FROM", "base AS run"), *root, PlannedInstruction("RUN"))
            ),
            *plan_file_stage(spec, root),
            *_list_final_instructions(base, packages, spec),
        ),
    )


def plan_single_airflow(spec: Spec, lock: Lock) -> RenderPlan:
    """The foundation, a layer of Debian packages and folders, and one of what is added."""
    base, packages = _read_base(lock), plan_package_stages(lock)
    is_root, run = needs_root(base.foundation), PlannedInstruction("RUN")
    return _make_plan(
        spec,
        lock,
        template="airflow-single.Dockerfile.j2",
        variables={"layout": "user-site" if base.is_user_site else "environment"},
        instructions=(
            PlannedInstruction("FROM", base.foundation.pinned_reference),
            *((_ROOT,) if is_root else ()),
            run,
            *((run,) if packages.stages else ()),
            *list_own_runs(spec),
            *((PlannedInstruction("ENV"),) if _plan_environment(spec) else ()),
            PlannedInstruction("LABEL"),
            *((PlannedInstruction("USER", base.foundation.user),) if is_root else ()),
        ),
    )


def _read_base(lock: Lock) -> AirflowBase:
    return AirflowBase(require_foundation(lock), tuple(sorted(one.name for one in list_replacements(lock))))


def _plan_environment(spec: Spec) -> dict[str, str]:
    return {**plan_role_switches(spec), **spec.image.env}


def _make_plan(
    spec: Spec, lock: Lock, *, template: str, variables: dict[str, object], instructions: tuple[PlannedInstruction, ...]
) -> RenderPlan:
    base = _read_base(lock)
    own = {
        "foundation": base.foundation.pinned_reference,
        "needs_root": needs_root(base.foundation),
        "python": base.foundation.python_path,
        "user": base.foundation.user,
        "replaced": list(base.replaced),
    }
    return make_plan(
        spec,
        lock,
        template=template,
        variables=own | variables,
        environment=_plan_environment(spec),
        instructions=instructions,
    )


def _list_stage_instructions(
    base: AirflowBase, packages: PackageStages, *, has_sources: bool
) -> tuple[PlannedInstruction, ...]:
    root = (_ROOT, SHELL) if needs_root(base.foundation) else (SHELL,)
    run = PlannedInstruction("RUN")
    rewrite = (run,) if base.is_user_site else ()
    builders = (
        PlannedInstruction("FROM", "base AS builder"),
        *root,
        run,
        run,
        *((PlannedInstruction("FROM", "builder AS sdists"), run) if has_sources else ()),
        *(
            one
            for stage in packages.stages
            for one in (PlannedInstruction("FROM", f"builder AS {stage.name}"), run, *rewrite)
        ),
        PlannedInstruction("FROM", "builder AS check"),
        run,
    )
    return (
        PlannedInstruction("FROM", f"{base.foundation.pinned_reference} AS base"),
        PlannedInstruction("FROM", "base AS rootfs"),
        *root,
        run,
        *(builders if packages.stages else ()),
    )


def _list_final_instructions(base: AirflowBase, packages: PackageStages, spec: Spec) -> tuple[PlannedInstruction, ...]:
    check = (PlannedInstruction("COPY", "--link --from=check /out/ /"),) if packages.stages else ()
    is_root = needs_root(base.foundation)
    removal = (*((_ROOT,) if is_root else ()), SHELL, PlannedInstruction("RUN"))
    restored = (
        PlannedInstruction("SHELL", base.shell),
        *((PlannedInstruction("USER", base.foundation.user),) if is_root else ()),
    )
    return (
        PlannedInstruction("FROM", "base"),
        *(removal if base.replaced else ()),
        PlannedInstruction("COPY", "--link --from=rootfs /out/ /"),
        *packages.copies,
        *check,
        *plan_run_copy(spec),
        *plan_file_copies(spec),
        *((PlannedInstruction("ENV"),) if _plan_environment(spec) else ()),
        PlannedInstruction("LABEL"),
        *(restored if base.replaced else ()),
    )
