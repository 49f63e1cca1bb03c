"""Files, engine and state → plan: what `optbuild plan` prints and `optbuild optimize` applies.

Compose takes most of the time, as a process, so everything that can go on meanwhile does: the engine is asked, the
optbuild.toml is read, the modules of the later stages are loaded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from builder.compose.planned import PlanResult
from builder.core.errors import OptbuildError
from builder.core.process import end_children
from builder.image.spec.location import find_spec_file
from builder.operations.background import start_in_background
from builder.operations.targets import resolve_spec_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from pathlib import Path

    from builder.compose.model import Project, ProjectFiles
    from builder.compose.plan import ObservedState
    from builder.compose.sharing.options import SharingOptions
    from builder.core.runtime import Runtime
    from builder.dockerfile.facts import DockerfileAnalysis
    from builder.engine.compose import ComposeCli
    from builder.engine.socket_client import EngineReader
    from builder.rollout.journal import Recipe

ENGINE_SECONDS = 10.0
"""How long a plan waits for an engine once everything else is there; it does without one then."""


@dataclass(frozen=True)
class PlanOptions:
    """What a person may choose; names and meanings of the first five are Compose's."""

    files: tuple[str, ...] = ()
    project_directory: str | None = None
    project_name: str | None = None
    env_files: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    builder_service: str | None = None
    image_only: bool = False
    spec: Path | None = None
    """The folder of an optbuild.toml; None: the project's own folder, where it has one."""
    remote: bool = False
    """Compose may fetch files that are included from other machines."""


def run_plan(runtime: Runtime, options: PlanOptions) -> PlanResult:
    """Raises ComposeError for files that cannot be read or choices that do not fit, ToolError without Compose."""
    files, cli = find_project(runtime, options)

    from builder.compose.load.project import read_project  # whatever Compose does not wait for comes later

    reading = start_in_background(lambda: read_project(files, cli, runtime.runner, runtime.env))
    try:
        connecting = start_in_background(lambda: _open_reader(runtime))
        loading = start_in_background(lambda: _preload_modules(files))
        choosing = start_in_background(lambda: _make_sharing_options(runtime, options, files))
        choices, _ = choosing.result(), loading.result()
        return _make_plan_result(runtime, _PlanInputs(files, cli, reading.result(), choices), connecting)
    except BaseException:
        end_children(reading.done)  # nobody waits for Compose any more
        raise


@dataclass(frozen=True)
class _PlanInputs:
    """What a plan is made from before the engine has answered."""

    files: ProjectFiles
    cli: ComposeCli
    project: Project
    choices: SharingOptions


def _preload_modules(files: ProjectFiles) -> None:
    """The modules of the later stages and the YAML library.

    While Compose works, the main thread only waits: a signal that comes during an import could be raised inside one of
    the import system's callbacks, where Python drops it.
    """
    from builder.compose import plan  # noqa: F401 - only to be loaded
    from builder.compose.load import dockerfiles  # noqa: F401 - only to be loaded
    from builder.compose.rewrite import rewrite  # noqa: F401 - only to be loaded
    from builder.compose.yaml.parse import parse_compose_file
    from builder.operations import edit_check  # noqa: F401 - only to be loaded

    parse_compose_file(files.files[0], b"{}")


def _make_plan_result(runtime: Runtime, given: _PlanInputs, connecting: Future[EngineReader]) -> PlanResult:
    from builder.compose.load.dockerfiles import describe_unread_dockerfiles, read_dockerfiles
    from builder.compose.plan import PlanDependencies, list_image_names, make_plan
    from builder.compose.rewrite.linked_files import describe_linked_files
    from builder.compose.rewrite.locate import locate_key
    from builder.compose.rewrite.rewrite import rewrite_files
    from builder.inspect.known_waste import read_known_waste
    from builder.operations.edit_check import EditChecker

    recipes = _read_recipes(runtime, given.files)
    given = replace(given, project=_fill_builds(runtime, given, recipes))
    facts = {**_describe_spec_image(given), **read_dockerfiles(given.project)}
    wanted = list_image_names(given.project, facts, given.choices)
    seen, no_engine = _observe_engine(connecting, lambda engine: _read_observed_state(runtime, engine, recipes, wanted))
    checker = EditChecker(runtime, given.cli, given.project)
    means = PlanDependencies(rewrite_files, locate_key, checker.check)
    plan = make_plan(given.project, facts, given.choices, seen, means)
    before = (*_find_unfinished_run(runtime, given.files), *describe_unread_dockerfiles(given.project, facts))
    before += describe_linked_files(plan.edits, given.files.directory)
    plan = replace(plan, notes=(*before, *plan.notes), waste=read_known_waste(runtime.cache_folder))
    return PlanResult(plan, given.files, given.cli, given.choices, facts, no_engine)


def find_project(runtime: Runtime, options: PlanOptions) -> tuple[ProjectFiles, ComposeCli]:
    """Which files are meant, and what calls Compose. Raises NoComposeFileError, ComposeError, ComposeMissingError."""
    from builder.compose.load.discover import discover_project
    from builder.engine.compose import guess_compose

    files = discover_project(
        options.files,
        env=runtime.env,
        cwd=runtime.cwd,
        project_directory=options.project_directory,
        project_name=options.project_name,
        env_files=options.env_files,
    )
    return replace(files, remote=options.remote), guess_compose(runtime.env)


def _make_sharing_options(runtime: Runtime, options: PlanOptions, files: ProjectFiles) -> SharingOptions:
    from builder.compose.sharing.options import SharingOptions

    made = SharingOptions(options.builder_service, options.image_only, options.groups)
    folder = files.directory if options.spec is None else resolve_spec_folder(runtime, options.spec)
    if find_spec_file(folder) is None:
        return made

    from builder.image.spec.reader import read_spec  # pydantic

    spec = read_spec(folder)
    return replace(
        made,
        spec_folder=folder.resolve(),
        spec_image=f"{spec.image.name}:{spec.image.tags[0]}",
        spec_airflow=spec.airflow.version,
    )


def _open_reader(runtime: Runtime) -> EngineReader:
    from builder.engine.socket_client import connect_reader

    return connect_reader(runtime.env)


def _observe_engine(
    connecting: Future[EngineReader], look: Callable[[EngineReader], ObservedState]
) -> tuple[ObservedState, str]:
    """What the engine knows, and why it knows nothing."""
    from builder.compose.plan import ObservedState

    try:
        with connecting.result(timeout=ENGINE_SECONDS) as engine:
            return look(engine), ""
    except TimeoutError:
        return ObservedState(), f"it did not answer within {ENGINE_SECONDS:.0f} s"
    except OptbuildError as error:
        return ObservedState(), error.message


def _read_observed_state(
    runtime: Runtime, engine: EngineReader, recipes: tuple[Recipe, ...], wanted: tuple[str, ...]
) -> ObservedState:
    from builder.compose.plan import ObservedState

    used_by = start_in_background(engine.index_projects_by_image)
    made_by = start_in_background(engine.find_building_projects)
    images = engine.read_layers(wanted)
    promoted = _read_promoted_images(runtime, engine.identity)
    seconds = {recipe.target.image: recipe.seconds for recipe in recipes if recipe.seconds is not None}
    return ObservedState(engine.version, images, used_by.result(), made_by.result(), promoted, seconds)


def _read_promoted_images(runtime: Runtime, engine: str) -> dict[str, str]:
    from builder.state import read_state

    state = read_state(runtime.state_folder, warn=runtime.progress.note)
    return {name: image for one in state.projects if one.engine == engine for name, image in one.references.items()}


def _find_unfinished_run(runtime: Runtime, files: ProjectFiles) -> tuple[str, ...]:
    from builder.rollout.journal_file import resolve_journal_path, resolve_open_path

    if not resolve_open_path(resolve_journal_path(runtime.state_folder, files)).exists():
        return ()
    return ("an `optbuild optimize` of this project is running or was killed half way; `optbuild rollback` undoes it",)


def _read_recipes(runtime: Runtime, files: ProjectFiles) -> tuple[Recipe, ...]:
    """How earlier runs of optimize made the shared images of this project."""
    from builder.rollout.journal_file import read_journal, resolve_journal_path

    try:
        journal = read_journal(resolve_journal_path(runtime.state_folder, files))
    except OptbuildError:  # optimize and rollback say so; a plan only knows less then
        return ()
    return journal.recipes if journal is not None else ()


def _fill_builds(runtime: Runtime, given: _PlanInputs, recipes: tuple[Recipe, ...]) -> Project:
    """Its services know what makes their image, also where no file says it any more."""
    from builder.compose.load.foreign_builds import fill_foreign_builds, parse_remembered_build
    from builder.compose.load.interpolate import read_project_variables

    raw = {recipe.target.normalized_image: recipe.build for recipe in recipes if recipe.build is not None}
    variables = read_project_variables(given.files, runtime.env) if raw else {}
    found = {image: parse_remembered_build(given.files, build, variables) for image, build in raw.items()}
    return fill_foreign_builds(given.project, {image: build for image, build in found.items() if build is not None})


def _describe_spec_image(given: _PlanInputs) -> dict[str, DockerfileAnalysis]:
    """The image of the optbuild.toml, for the services that use it: it starts as the official one."""
    from builder.airflow.images import OFFICIAL_IMAGE
    from builder.core.image_reference import normalize_image_name
    from builder.dockerfile.facts import DockerfileAnalysis

    choices = given.choices
    if choices.spec_image is None or choices.spec_airflow is None:
        return {}
    base, name = f"{OFFICIAL_IMAGE}:{choices.spec_airflow}", normalize_image_name(choices.spec_image)
    made = DockerfileAnalysis(None, (), base, airflow=True, airflow_version=choices.spec_airflow)
    services = given.project.services.values()
    return {one.name: made for one in services if one.build is None and one.normalized_image_name == name}
