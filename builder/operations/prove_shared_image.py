"""What optimize needs of the other stages: building from an optbuild.toml, and proving an image it did not describe."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.airflow.variables import VERSION_VARIABLE
from builder.core.errors import CheckFailedError, OptbuildError
from builder.rollout.request import ImageBuilders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.airflow.model import Release, Role
    from builder.compose.model import SharedTarget
    from builder.compose.planned import Plan
    from builder.core.runtime import Runtime
    from builder.engine.client import Engine
    from builder.image.verify.plan import VerifyPlan


def make_image_builders(runtime: Runtime, engine: Engine, plan: Plan, *, no_cache: bool) -> ImageBuilders:
    """For one run."""

    def verify(image: str, target: SharedTarget) -> None:
        verify_target_image(runtime, engine, plan, image, target)

    def make(target: SharedTarget, promoting: Callable[[str], None]) -> str:
        from builder.engine.buildx import BuildOptions
        from builder.operations.build import BuildFlow

        options = BuildOptions(no_cache=no_cache)
        flow = BuildFlow(
            runtime, _require_spec_folder(target), options, verify=True, refresh_base=False, promoting=promoting
        )
        return flow.run().candidate.image_id

    return ImageBuilders(verify, make, lambda target: list_promoted_names(_require_spec_folder(target)))


def _require_spec_folder(target: SharedTarget) -> Path:
    if target.spec_folder is None:
        raise ValueError("a target made from an optbuild.toml must name its folder")
    return target.spec_folder


def list_promoted_names(folder: Path) -> tuple[str, ...]:
    """All names that a promotion moves. Raises SpecError, LockError."""
    from builder.core.naming import list_promoted_references
    from builder.operations.project import load_project  # pydantic

    project = load_project(folder)
    roles = tuple(role.name for role in project.roles)
    return list_promoted_references(project.spec.image.name, project.spec.image.tags, roles)


def verify_target_image(runtime: Runtime, engine: Engine, plan: Plan, image: str, target: SharedTarget) -> None:
    """Start the roles of an Airflow image for real. Raises CheckFailedError. Other images are left to their stack."""
    say = runtime.progress.note
    if not any(one.group.airflow for one in plan.groups if set(target.services) & set(one.group.names)):
        say(f"{target.image} is not Airflow: whether its services come up and are healthy is its proof")
        return
    made = _make_verify_plan(engine, plan, image, target)
    if isinstance(made, str):
        say(f"{made}: it is proven when its services come up and are healthy")
        return

    from builder.image.verify.checks import FOREIGN_CHECKS  # beside the start of each role
    from builder.image.verify.run import verify_image  # testcontainers and the SDK
    from builder.operations.build import show_failures

    only = (*FOREIGN_CHECKS, *(role.name for role in made.roles))
    report = verify_image(runtime, image, made, only=only)
    if not report.passed:
        show_failures(report, runtime.progress)
        failed = ", ".join(check.name for check in report.checks if check.status == "failed")
        raise CheckFailedError(
            f"the shared image does not do its job: {failed or 'a check could not be run'}",
            hint="correct the Dockerfile, then `optbuild optimize` again",
        )


def _make_verify_plan(engine: Engine, plan: Plan, image: str, target: SharedTarget) -> VerifyPlan | str:
    """The plan, or why there is none."""
    from builder.airflow.releases import find_release
    from builder.core.naming import LABEL_AIRFLOW
    from builder.image.verify.plan import make_plan_from_labels

    attrs = engine.client.images.get(image).attrs
    config = attrs.get("Config") or {}
    labels = dict(config.get("Labels") or {})
    variables = dict(text.partition("=")[::2] for text in config.get("Env") or ())
    version = labels.get(LABEL_AIRFLOW) or variables.get(VERSION_VARIABLE)
    if not version:
        return f"nothing in {target.image} says which Airflow it holds"
    try:
        known = find_release(version)
    except OptbuildError as error:
        return error.message
    roles = find_used_roles(known, plan, target)
    return replace(make_plan_from_labels(image, {LABEL_AIRFLOW: version}, roles), labels=())


def find_used_roles(known: Release, plan: Plan, target: SharedTarget) -> tuple[Role, ...]:
    """Those that the target's services start. The version's first role prepares the database, which all need; a Celery
    worker needs a broker, which only the stack has."""
    services = (plan.project.services[name] for name in target.services if name in plan.project.services)
    started = (text for service in services for text in (*(service.entrypoint or ()), *(service.command or ())))
    words = {word for text in started for word in text.split()}
    chosen = tuple(
        role for role in (*known.roles, *known.optional_roles) if role.command[:1] in {(one,) for one in words}
    )
    chosen = tuple(role for role in chosen if not role.needs_broker and role != known.roles[0])
    return (known.roles[0], *chosen) if chosen else known.roles
