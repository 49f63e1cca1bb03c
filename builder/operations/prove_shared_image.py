"""What optimize needs of the other stages: building from an optbuild.toml, and proving an image it did not describe."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.airflow.variables import VERSION_VARIABLE
from builder.core.errors import CheckFailedError, OptbuildError
from builder.rollout.request import Hands

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.airflow.model import Release, Role
    from builder.compose.model import Plan, Target
    from builder.core.runtime import Runtime
    from builder.engine.client import Engine
    from builder.image.verify.plan import VerifyPlan


def hands_for(runtime: Runtime, engine: Engine, plan: Plan, *, no_cache: bool) -> Hands:
    """For one run."""

    def verify(image: str, target: Target) -> None:
        verify_image_of(runtime, engine, plan, image, target)

    def make(target: Target, promoting: Callable[[str], None]) -> str:
        from builder.engine.buildx import BuildOptions
        from builder.operations.build import BuildFlow

        options = BuildOptions(no_cache=no_cache)
        flow = BuildFlow(runtime, _folder(target), options, verify=True, refresh_base=False, promoting=promoting)
        return flow.run().candidate.image_id

    return Hands(verify, make, lambda target: names_of_spec(_folder(target)))


def _folder(target: Target) -> Path:
    if target.spec_folder is None:
        raise ValueError("a target that an optbuild.toml makes names its folder")
    return target.spec_folder


def names_of_spec(folder: Path) -> tuple[str, ...]:
    """All names that a promotion moves. Raises SpecError, LockError."""
    from builder.core.naming import promoted_references
    from builder.operations.project import load_project  # pydantic

    project = load_project(folder)
    roles = tuple(role.name for role in project.roles)
    return promoted_references(project.spec.image.name, project.spec.image.tags, roles)


def verify_image_of(runtime: Runtime, engine: Engine, plan: Plan, image: str, target: Target) -> None:
    """Start the roles of an Airflow image for real. Raises CheckFailedError. Other images are left to their stack."""
    say = runtime.progress.note
    if not any(one.group.airflow for one in plan.groups if set(target.services) & set(one.group.services)):
        say(f"{target.image} is not Airflow: whether its services come up and are healthy is its proof")
        return
    made = _plan(engine, plan, image, target)
    if isinstance(made, str):
        say(f"{made}: whether its services come up and are healthy is its proof")
        return

    from builder.image.verify.checks import FOREIGN_CHECKS  # beside the start of each role
    from builder.image.verify.run import verify_image  # testcontainers and the SDK
    from builder.operations.build import show_failures

    report = verify_image(
        image,
        made,
        env=runtime.env,
        runner=runtime.runner,
        progress=runtime.progress,
        cache_folder=runtime.cache_folder,
        state_folder=runtime.state_folder,
        only=(*FOREIGN_CHECKS, *(role.name for role in made.roles)),
    )
    if not report.passed:
        show_failures(report, runtime.progress)
        failed = ", ".join(check.name for check in report.checks if check.status == "failed")
        raise CheckFailedError(
            f"the shared image does not do its job: {failed or 'a check could not be run'}",
            hint="mend the Dockerfile, then `optbuild optimize` again",
        )


def _plan(engine: Engine, plan: Plan, image: str, target: Target) -> VerifyPlan | str:
    """The plan, or why there is none."""
    from builder.airflow.releases import release
    from builder.core.naming import LABEL_AIRFLOW
    from builder.image.verify.plan import plan_from_labels

    attrs = engine.client.images.get(image).attrs
    config = attrs.get("Config") or {}
    labels = dict(config.get("Labels") or {})
    variables = dict(text.partition("=")[::2] for text in config.get("Env") or ())
    version = labels.get(LABEL_AIRFLOW) or variables.get(VERSION_VARIABLE)
    if not version:
        return f"nothing in {target.image} says which Airflow it holds"
    try:
        known = release(version)
    except OptbuildError as error:
        return error.message
    roles = used_roles(known, plan, target)
    return replace(plan_from_labels(image, {LABEL_AIRFLOW: version}, roles), labels=())


def used_roles(known: Release, plan: Plan, target: Target) -> tuple[Role, ...]:
    """Those that the target's services start. The version's first role prepares the database, which all need; a Celery
    worker needs a broker, which only the stack has."""
    services = (plan.project.services[name] for name in target.services if name in plan.project.services)
    words = {word for service in services for text in service.command or () for word in text.split()}
    chosen = tuple(
        role for role in (*known.roles, *known.optional_roles) if role.command[:1] in {(one,) for one in words}
    )
    chosen = tuple(role for role in chosen if not role.needs_broker and role != known.roles[0])
    return (known.roles[0], *chosen) if chosen else known.roles
