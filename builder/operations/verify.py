"""What `optbuild verify` proves: an image, or the image of a folder with a spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.core.naming import LABEL_BASE_KIND
from builder.image.spec.location import find_spec_file

if TYPE_CHECKING:
    from pathlib import Path

    from builder.core.runtime import Runtime
    from builder.engine.client import Engine, ImageInfo
    from builder.image.lock.foundation import Contract
    from builder.image.verify.plan import DagFolder, PlanBase, VerifyPlan


def choose_environment(runtime: Runtime, database: str | None) -> dict[str, str]:
    """A database named on the command line counts more than the environment's."""
    from builder.image.verify.database import DATABASE_URL_VARIABLE  # the SDK

    return {name: value for name, value in runtime.env.items() if database is None or name != DATABASE_URL_VARIABLE}


def find_dag_folder(text: str, runtime: Runtime) -> DagFolder:
    """The folder that a person names. Raises VerifyUsageError when it is none."""
    from builder.core.errors import VerifyUsageError
    from builder.image.verify.plan import DagFolder  # packaging

    path = runtime.cwd / text
    if not path.is_dir():
        what = "is not a folder" if path.exists() else "does not exist"
        raise VerifyUsageError(f"--dags: {text} {what}", hint="name the folder whose files Airflow reads as DAGs")
    return DagFolder(path, text)


def find_image(subject: str, runtime: Runtime) -> tuple[str, VerifyPlan]:
    """A folder with a spec is that; anything else is an image."""
    folder = runtime.cwd / subject
    if folder.is_dir() and (subject.startswith((".", "/")) or find_spec_file(folder) is not None):
        return _find_image_of_folder(folder, runtime)
    return subject, _make_plan_from_labels(subject, runtime)


def _find_image_of_folder(folder: Path, runtime: Runtime) -> tuple[str, VerifyPlan]:
    """The promoted image, or, before the first promotion, the candidate."""
    from builder.core.naming import make_candidate_reference
    from builder.engine.client import connect_engine  # the SDK
    from builder.image.render.context import render_context  # jinja2
    from builder.image.verify.plan import make_plan_from_spec
    from builder.operations.project import load_project  # pydantic

    project = load_project(folder)
    plan = make_plan_from_spec(project.spec, project.lock, project.roles)
    name = project.spec.image.name
    promoted = f"{name}:{project.spec.image.tags[0]}"
    with connect_engine(runtime.env) as engine:
        if engine.find_image_id(promoted) is not None:
            return promoted, plan
    return make_candidate_reference(name, render_context(project.spec, project.lock).compute_digest()), plan


def _make_plan_from_labels(image: str, runtime: Runtime) -> VerifyPlan:
    from builder.airflow.releases import find_release
    from builder.core.errors import VerifyUsageError
    from builder.engine.client import connect_engine  # the SDK
    from builder.image.verify.plan import make_plan_from_labels, read_airflow_label

    with connect_engine(runtime.env) as engine:
        found = engine.inspect_image(image)
        if found is None:
            raise VerifyUsageError(
                f"there is no image {image} on this engine", hint="build it (optbuild build) or pull it"
            )
        base = _find_base(engine, found)
    roles = find_release(read_airflow_label(image, found.labels)).roles
    return make_plan_from_labels(image, found.labels, roles, base)


def _find_base(engine: Engine, image: ImageInfo) -> PlanBase | None:
    """What the image's labels say that it stands on, as `inspect` does; None: they say nothing that can be found here.

    An image of `optbuild build` says how many layers are its base's; of another one the base must be on the engine.
    """
    from builder.image.verify.plan import PlanBase
    from builder.inspect.base import find_labelled_base

    found = find_labelled_base(engine.api, engine.api.inspect_image(image.id))
    contract: Contract = "official" if image.labels.get(LABEL_BASE_KIND) == "airflow" else ""
    return PlanBase(found.name, found.layers, contract) if found.layers else None
