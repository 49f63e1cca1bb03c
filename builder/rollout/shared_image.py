"""The shared image of each target: taken, built by Compose, or made from an optbuild.toml, each step journalled."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.compose.model import ImageOrigin
from builder.core.errors import EngineFailedError
from builder.core.files import write_atomically
from builder.core.redact import find_secret_values
from builder.rollout.compose_build import (
    find_compose_build,
    find_raw_build,
    format_overlay,
    make_build_command,
    make_missing_image_error,
    run_build,
)
from builder.rollout.journal import Phase, Recipe, TagRecord
from builder.rollout.journal_file import write_journal
from builder.rollout.kept_settings import check_kept_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.compose.model import Project, SharedTarget
    from builder.engine.protocols import ProjectEngine
    from builder.rollout.compose_build import ComposeBuild
    from builder.rollout.context import RolloutContext
    from builder.rollout.journal import Journal
    from builder.rollout.request import ImageBuilders, RolloutRequest


class JournalWriter:
    """The journal of a run under way: what is on disk is what ``journal`` says."""

    def __init__(self, context: RolloutContext, journal: Journal) -> None:
        self.context = context
        self.journal = journal

    def change(self, journal: Journal) -> None:
        write_journal(self.context.opened(journal.files), journal)
        self.journal = journal

    def note(self, phase: Phase) -> None:
        self.change(replace(self.journal, phase=phase))


def collect_tags(engine: ProjectEngine, work: RolloutRequest, builders: ImageBuilders) -> tuple[TagRecord, ...]:
    """All names that may move, and where they point now."""
    names: dict[str, bool] = {}
    for target in work.targets:
        names[target.image] = False
        if target.source is ImageOrigin.SPEC:
            names |= dict.fromkeys(builders.names_of_spec(target), False)
        elif making := _find_build(work, target):
            names |= dict.fromkeys(making.tags, False) | {making.candidate: True}
    return tuple(TagRecord(name, engine.find_image_id(name), passing=passing) for name, passing in names.items())


def collect_recipes(work: RolloutRequest) -> tuple[Recipe, ...]:
    """How each image is made, also those of earlier runs: the files of today do not say it any more."""
    found = {one.target.image: one for one in work.recipes}
    for target in work.targets:
        making = None if target.source is ImageOrigin.SPEC else _find_build(work, target)
        if making is not None:
            build = making.build or find_raw_build(work.project, making.service)
            found[target.image] = Recipe(target, making.service, build)
        elif target.source is ImageOrigin.SPEC or target.image not in found:
            found[target.image] = Recipe(target)
    return tuple(found.values())


def provide_image(
    ledger: JournalWriter, work: RolloutRequest, builders: ImageBuilders, engine: ProjectEngine, target: SharedTarget
) -> str:
    """The ID of a proven image. No name in use has moved, except those of an optbuild.toml's own image."""

    def check(image: str) -> None:
        check_kept_settings(engine, work.project, target, image)

    if target.source is ImageOrigin.SPEC:
        return _make_from_spec(ledger, builders, target, check)
    there = engine.find_image_id(target.image)
    if there is not None and not work.rebuild and _is_already_shared(work.project, target):
        check(there)
        return there
    making = _find_build(work, target)
    if making is None or (making.build is not None and not work.rebuild):
        raise make_missing_image_error(target)
    image = _build_image(ledger, work, engine, making)
    check(image)
    builders.verify(image, target)
    return image


def _find_build(work: RolloutRequest, target: SharedTarget) -> ComposeBuild | None:
    recipe = next((one for one in work.recipes if one.target.image == target.image), None)
    return find_compose_build(work.project, target, recipe, work.run)


def _is_already_shared(project: Project, target: SharedTarget) -> bool:
    """Whether all of them use the image and at most one builds it: then nothing about it changes."""
    services = [project.services[name] for name in target.services if name in project.services]
    builders = [service for service in services if service.build is not None]
    return len(builders) <= 1 and all(service.normalized_image_name == target.normalized_image for service in services)


def _make_from_spec(
    ledger: JournalWriter, builders: ImageBuilders, target: SharedTarget, check: Callable[[str], None]
) -> str:
    def promoting(image: str) -> None:
        """The undoing of the run has to know whose names these are, also where it ends with the promotion."""
        _record_made_image(ledger, image)
        check(image)
        for name in builders.names_of_spec(target):
            ledger.change(ledger.journal.with_tag(name, image))

    return builders.make_from_spec(target, promoting)


def _build_image(ledger: JournalWriter, work: RolloutRequest, engine: ProjectEngine, making: ComposeBuild) -> str:
    context, files = ledger.context, work.project.files
    runtime = context.runtime
    overlay = context.overlay(files)
    write_atomically(overlay, format_overlay(making), mode=0o600)
    try:
        command = make_build_command(
            context.compose, files, making, overlay=overlay, env=runtime.env, run=work.run, no_cache=work.no_cache
        )
        hidden = (*context.secrets_of(files), *_find_secret_arguments(work.project, making))
        seconds = run_build(command, making, runtime.runner, runtime.progress, hidden)
    finally:
        overlay.unlink(missing_ok=True)
    image = engine.find_image_id(making.candidate)
    if image is None:
        raise EngineFailedError(f"the build succeeded, but there is no image {making.candidate}")
    _record_made_image(ledger, image)
    for name in making.tags:
        ledger.change(ledger.journal.with_tag(name, image))
    _record_build_time(ledger, making.target, seconds)
    return image


def _find_secret_arguments(project: Project, making: ComposeBuild) -> tuple[str, ...]:
    """Values of build arguments that a build may print and that must be masked."""
    service = project.services.get(making.service)
    arguments = service.build.args if service is not None and service.build is not None else ()
    return find_secret_values({name: value for name, value in arguments if value is not None})


def _record_made_image(ledger: JournalWriter, image: str) -> None:
    journal = ledger.journal
    made = journal.made if image in journal.known else (*journal.made, image)
    ledger.change(replace(journal, phase=Phase.BUILT, made=made))


def _record_build_time(ledger: JournalWriter, target: SharedTarget, seconds: float) -> None:
    recipes = (
        replace(one, seconds=seconds) if one.target.image == target.image else one for one in ledger.journal.recipes
    )
    ledger.change(replace(ledger.journal, recipes=tuple(recipes)))
