"""Files, engine and state → plan: what `optbuild plan` prints and `optbuild optimize` applies.

Compose takes most of the time, as a process, so everything that can go on meanwhile does: the engine is asked, the
optbuild.toml is read, the modules of the later stages are loaded.
"""

from __future__ import annotations

import time
from concurrent.futures import wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from builder.compose.planned import Planned
from builder.core.errors import OptbuildError
from builder.core.process import terminate_children
from builder.operations.background import in_background
from builder.operations.targets import SPEC_FILE, spec_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from pathlib import Path

    from builder.compose.model import Project, ProjectFiles
    from builder.compose.plan import Seen
    from builder.compose.sharing.options import Choices
    from builder.core.runtime import Runtime
    from builder.engine.compose import ComposeCli
    from builder.engine.socket_client import EngineReader

ENGINE_SECONDS = 10.0
"""How long a plan waits for an engine once everything else is there; it does without one then."""
STOP_SECONDS = 10.0
STOP_TURN_SECONDS = 0.05


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


def plan_of(runtime: Runtime, options: PlanOptions) -> Planned:
    """Raises ComposeError for files that cannot be read or choices that do not fit, ToolError without Compose."""
    files, cli = find_project(runtime, options)

    from builder.compose.load.project import read_project  # whatever Compose does not wait for comes later

    reading = in_background(lambda: read_project(files, cli, runtime.runner, runtime.env))
    try:
        connecting = in_background(lambda: _connect(runtime))
        loading = in_background(lambda: _load(files))
        choosing = in_background(lambda: _choices(runtime, options, files))
        choices, _ = choosing.result(), loading.result()
        return _planned(runtime, _Given(files, cli, reading.result(), choices), connecting)
    except BaseException:
        _stop(reading)
        raise


def _stop(reading: Future[Project]) -> None:
    """Nobody waits for Compose any more. Also after Ctrl-C, whose handler may come before both calls have begun."""
    end = time.monotonic() + STOP_SECONDS
    while not reading.done() and time.monotonic() < end:
        terminate_children()
        wait((reading,), timeout=STOP_TURN_SECONDS)


@dataclass(frozen=True)
class _Given:
    """What a plan is made from before the engine has a say."""

    files: ProjectFiles
    cli: ComposeCli
    project: Project
    choices: Choices


def _load(files: ProjectFiles) -> None:
    """The modules of the later stages and the YAML library.

    While Compose works, the main thread only waits: a signal that comes during an import could be raised inside one of
    the import system's callbacks, where Python drops it.
    """
    from builder.compose import plan  # noqa: F401 - only to be loaded
    from builder.compose.load import dockerfiles  # noqa: F401 - only to be loaded
    from builder.compose.rewrite import other_files as nearby  # noqa: F401 - only to be loaded
    from builder.compose.rewrite import rewrite  # noqa: F401 - only to be loaded
    from builder.compose.yaml.parse import parse

    parse(files.files[0], b"{}")


def _planned(runtime: Runtime, given: _Given, connecting: Future[EngineReader]) -> Planned:
    from builder.compose.load.dockerfiles import read_dockerfiles, unread
    from builder.compose.plan import Means, make_plan, references_of
    from builder.compose.rewrite import other_files as nearby
    from builder.compose.rewrite.locate import line_of
    from builder.compose.rewrite.rewrite import rewrite

    facts = read_dockerfiles(given.project)
    wanted = references_of(given.project, facts, given.choices)
    seen, no_engine = _seen(connecting, lambda engine: _look(runtime, engine, given.files, wanted))
    plan = make_plan(given.project, facts, given.choices, seen, Means(rewrite, line_of))
    before = (*_unfinished(runtime, given.files), *unread(given.project, facts))
    plan = replace(plan, notes=(*before, *plan.notes, *nearby.notes_of(given.project, plan.edits)))
    return Planned(plan, given.files, given.cli, given.choices, facts, no_engine)


def find_project(runtime: Runtime, options: PlanOptions) -> tuple[ProjectFiles, ComposeCli]:
    """Which files are meant, and what calls Compose. Raises NoComposeFileError, ComposeError, ComposeMissingError."""
    from builder.compose.load.discover import discover
    from builder.engine.compose import likely_compose

    files = discover(
        options.files,
        env=runtime.env,
        cwd=runtime.cwd,
        project_directory=options.project_directory,
        project_name=options.project_name,
        env_files=options.env_files,
    )
    return files, likely_compose(runtime.env)


def _choices(runtime: Runtime, options: PlanOptions, files: ProjectFiles) -> Choices:
    from builder.compose.sharing.options import Choices

    made = Choices(options.builder_service, options.image_only, options.groups)
    folder = files.directory if options.spec is None else spec_folder(runtime, options.spec)
    if not (folder / SPEC_FILE).is_file():
        return made

    from builder.image.spec.reader import read_spec  # pydantic

    image = read_spec(folder).image
    return replace(made, spec_folder=folder.resolve(), spec_image=f"{image.name}:{image.tags[0]}")


def _connect(runtime: Runtime) -> EngineReader:
    from builder.engine.socket_client import look

    return look(runtime.env)


def _seen(connecting: Future[EngineReader], look: Callable[[EngineReader], Seen]) -> tuple[Seen, str]:
    """What the engine knows, and why it knows nothing."""
    from builder.compose.plan import Seen

    try:
        with connecting.result(timeout=ENGINE_SECONDS) as engine:
            return look(engine), ""
    except TimeoutError:
        return Seen(), f"it did not answer within {ENGINE_SECONDS:.0f} s"
    except OptbuildError as error:
        return Seen(), error.message


def _look(runtime: Runtime, engine: EngineReader, files: ProjectFiles, wanted: tuple[str, ...]) -> Seen:
    from builder.compose.plan import Seen

    used_by = in_background(engine.projects_by_image)
    made_by = in_background(engine.makers_by_reference)
    images = engine.layers(wanted)
    promoted, seconds = _promoted(runtime, engine.identity), _seconds(runtime, files)
    return Seen(engine.version, images, used_by.result(), made_by.result(), promoted, seconds)


def _promoted(runtime: Runtime, engine: str) -> dict[str, str]:
    from builder.state import read_state

    state = read_state(runtime.state_folder, warn=runtime.progress.note)
    return {name: image for one in state.projects if one.engine == engine for name, image in one.references.items()}


def _unfinished(runtime: Runtime, files: ProjectFiles) -> tuple[str, ...]:
    from builder.rollout.journal_file import journal_path, open_path

    if not open_path(journal_path(runtime.state_folder, files)).exists():
        return ()
    return ("an `optbuild optimize` of this project goes on or was killed half way; `optbuild rollback` undoes it",)


def _seconds(runtime: Runtime, files: ProjectFiles) -> dict[str, float]:
    """Of the builds that an optimize of this project did."""
    from builder.rollout.journal_file import journal_path, read_journal

    try:
        journal = read_journal(journal_path(runtime.state_folder, files))
    except OptbuildError:  # optimize and rollback say so; here it is only about a figure
        return {}
    recipes = journal.recipes if journal is not None else ()
    return {recipe.target.image: recipe.seconds for recipe in recipes if recipe.seconds is not None}
