"""Applies a plan to files, image names and the running stack. Whatever fails half way, everything is put back."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from builder.compose.build import build_command, making_of, missing, overlay_of, raw_build, run_build
from builder.compose.journal import Journal, Phase, Recipe, TagRecord, read_journal, write_journal
from builder.compose.model import Source
from builder.compose.restart import Downtime, restart
from builder.compose.rollback import finish, undo
from builder.compose.stack import completing_services, needs_of, records_of, steps_of
from builder.compose.superseded import replaced_by
from builder.compose.written import hard_links, record, write_all
from builder.errors import (
    CheckFailedError,
    EngineFailedError,
    InterruptedByUserError,
    OptbuildError,
    RolledBackError,
    StackError,
    ToolError,
)
from builder.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from builder.compose.build import Making
    from builder.compose.model import FileEdit, Project, Target
    from builder.compose.outside import Outside
    from builder.compose.stack import Engine


@dataclass(frozen=True)
class Hands:
    """What other stages do for us; ``cli/`` passes it in."""

    verify: Callable[[str, Target], None]
    """Prove an image (its ID) for these services. Raises CheckFailedError."""
    make_from_spec: Callable[[Target], str]
    """Build, prove and promote what the target's optbuild.toml describes; the image ID."""
    names_of_spec: Callable[[Target], tuple[str, ...]]
    """All names that this moves."""


@dataclass(frozen=True)
class Work:
    """What is to be done, as a value. ``targets``: to be made or taken; ``rebuild``: also where the image is there."""

    run: str
    """8 hex digits that no other run has."""
    project: Project
    targets: tuple[Target, ...]
    edits: tuple[FileEdit, ...]
    rebuild: bool = False
    no_cache: bool = False
    file_only: bool = False
    """Neither image nor stack: only the files."""
    recipes: tuple[Recipe, ...] = ()
    """Of earlier runs."""

    @property
    def affected(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for target in self.targets for name in target.services))


@dataclass(frozen=True)
class Applied:
    """What was done."""

    journal: Journal
    images: Mapping[str, str]
    """Target image → its ID now; empty with ``file_only``."""
    downtime: Mapping[str, Downtime] = field(default_factory=dict)


def apply(outside: Outside, work: Work, hands: Hands) -> Applied:
    """Do it. The caller holds the project's lock and has recovered what an earlier run left.

    Raises what went wrong, after everything was put back: RolledBackError and other CheckFailedErrors (exit 1),
    ToolError (3), InterruptedByUserError (130). Files that cannot be replaced are refused before anything is done.
    """
    journal = _begin(outside, work, hands)
    for path in hard_links(journal.edits):
        outside.progress.note(f"warning: {path} has a second name (hard link), which keeps the old bytes")
    opened = outside.opened(work.project.files)
    write_journal(opened, journal)
    run = _Run(outside, work, hands, journal)
    with _undoing(outside, run):
        done = run.carry_out()
    finish(outside, run.journal)
    return done


def _begin(outside: Outside, work: Work, hands: Hands) -> Journal:
    """What is now, for the way back."""
    engine = None if work.file_only else outside.engine
    edits = tuple(record(edit, work.run) for edit in work.edits if edit.changes)
    completing = tuple(sorted(completing_services(work.project) & set(work.affected)))
    project = work.project
    return Journal(
        run=work.run,
        files=project.files,
        project=project.name,
        engine="" if engine is None else engine.identity,
        phase=Phase.PREPARED,
        at=outside.clock.now(),
        edits=edits,
        tags=() if engine is None else _tags(engine, work, hands),
        services=() if engine is None else records_of(engine.containers(project.name), work.affected, completing),
        completing=completing,
        steps=steps_of(project, work.affected),
        needs={name: needs_of(project, name) for name in work.affected},
        recipes=_recipes(work),
        replaced=() if engine is None else replaced_by(engine, project, work.affected),
        known=() if engine is None else tuple(sorted(engine.all_images())),
    )


def _tags(engine: Engine, work: Work, hands: Hands) -> tuple[TagRecord, ...]:
    """All names that may move, and where they point now."""
    names: dict[str, bool] = {}
    for target in work.targets:
        names[target.image] = False
        if target.source is Source.SPEC:
            names |= dict.fromkeys(hands.names_of_spec(target), False)
        elif making := _making(work, target):
            names |= dict.fromkeys(making.tags, False) | {making.candidate: True}
    return tuple(TagRecord(name, engine.image_id(name), passing=passing) for name, passing in names.items())


def _making(work: Work, target: Target) -> Making | None:
    return making_of(work.project, target, _recipe(work, target), work.run)


def _recipe(work: Work, target: Target) -> Recipe | None:
    return next((one for one in work.recipes if one.target.image == target.image), None)


def _recipes(work: Work) -> tuple[Recipe, ...]:
    """How each image is made, also those of earlier runs: the files of today do not say it any more."""
    found = {one.target.image: one for one in work.recipes}
    for target in work.targets:
        making = None if target.source is Source.SPEC else _making(work, target)
        if making is None:
            found[target.image] = (
                Recipe(target) if target.source is Source.SPEC else found.get(target.image, Recipe(target))
            )
        else:
            build = making.build or raw_build(work.project, making.service)
            found[target.image] = Recipe(target, making.service, build)
    return tuple(found.values())


@contextlib.contextmanager
def _undoing(outside: Outside, run: _Run) -> Iterator[None]:
    """An error or a signal inside the block: put everything back, then say what failed and what stands."""
    try:
        yield
    except BaseException as error:
        if run.committed:  # all is well, only the tidying was cut short: the next command does it
            raise
        try:
            now = read_journal(outside.opened(run.journal.files)) or run.journal  # the disk may be a step ahead
            standing = f"{undo(outside, now)}. Files, image names and containers are as they were"
        except OptbuildError as second:
            raise StackError(
                f"{_words(error)}; and putting things back failed: {second.message}",
                where=second.where,
                hint=second.hint or "`optbuild rollback` tries again",
            ) from error
        if (told := _retold(error, standing)) is None:
            outside.progress.note(standing)
            raise
        raise told from error


def _words(error: BaseException) -> str:
    return error.message if isinstance(error, OptbuildError) else str(error) or type(error).__name__


def _retold(error: BaseException, standing: str) -> OptbuildError | None:
    """The same failure, with what stands now, and the exit code that fits; None: no failure that we know."""
    if isinstance(error, KeyboardInterrupt | InterruptedByUserError):
        return InterruptedByUserError(f"interrupted; {standing}")
    if isinstance(error, CheckFailedError | StackError):
        return RolledBackError(f"{error.message}\n  {standing}", hint=error.hint)
    if isinstance(error, ToolError):
        return EngineFailedError(f"{error.message}\n  {standing}", hint=error.hint)
    if isinstance(error, OptbuildError):
        return type(error)(f"{error.message}\n  {standing}", where=error.where, hint=error.hint)
    return None


class _Run:
    """One run under way. ``journal`` is what is on disk."""

    def __init__(self, outside: Outside, work: Work, hands: Hands, journal: Journal) -> None:
        self.outside = outside
        self.work = work
        self.hands = hands
        self.journal = journal
        self.committed = False

    def carry_out(self) -> Applied:
        engine = None if self.work.file_only else self.outside.engine
        images = {} if engine is None else self._images(engine)
        self._note(Phase.WRITING)
        write_all(self.journal.edits)
        downtime: Mapping[str, Downtime] = {}
        if engine is not None and self.journal.services:
            self._note(Phase.RESTARTING)
            downtime = restart(self.outside, engine, self.journal, self.journal.services)
        self._commit()
        return Applied(self.journal, images, downtime)

    def _note(self, phase: Phase) -> None:
        self._change(replace(self.journal, phase=phase))

    def _change(self, journal: Journal) -> None:
        write_journal(self.outside.opened(journal.files), journal)
        self.journal = journal

    def _commit(self) -> None:
        journal = replace(self.journal, phase=Phase.COMMITTED, known=())
        write_journal(self.outside.committed(journal.files), journal)
        self.journal = journal
        self.committed = True

    def _images(self, engine: Engine) -> Mapping[str, str]:
        """Every image is there and proven before the first name moves."""
        found = {target.image: self._image(engine, target) for target in self.work.targets}
        self._note(Phase.TAGGING)
        for reference, image in found.items():
            self._change(self.journal.with_tag(reference, image))
            if engine.image_id(reference) != image:
                engine.tag(image, reference)
        return found

    def _image(self, engine: Engine, target: Target) -> str:
        if target.source is Source.SPEC:
            return self._from_spec(target)
        making = _making(self.work, target)
        there = engine.image_id(target.image)
        in_file = making is not None and making.build is None
        if making is None or (not in_file and not self.work.rebuild):
            if there is None or self.work.rebuild:
                raise missing(target)
            return there
        image = self._built(engine, making)
        self.hands.verify(image, target)
        return image

    def _from_spec(self, target: Target) -> str:
        image = self.hands.make_from_spec(target)
        self._made(image)
        for name in self.hands.names_of_spec(target):
            self._change(self.journal.with_tag(name, image))
        return image

    def _built(self, engine: Engine, making: Making) -> str:
        outside, work = self.outside, self.work
        overlay = outside.overlay(work.project.files)
        atomic_write(overlay, overlay_of(making), mode=0o600)
        try:
            command = build_command(
                outside.cli,
                work.project.files,
                making,
                overlay=overlay,
                env=outside.env,
                run=work.run,
                no_cache=work.no_cache,
            )
            seconds = run_build(command, making, outside.runner, outside.progress, hidden=())
        finally:
            overlay.unlink(missing_ok=True)
        image = engine.image_id(making.candidate)
        if image is None:
            raise EngineFailedError(f"the build ended well, and yet there is no image {making.candidate}")
        self._made(image)
        for name in making.tags:
            self._change(self.journal.with_tag(name, image))
        self._timed(making.target, seconds)
        return image

    def _made(self, image: str) -> None:
        made = self.journal.made if image in self.journal.known else (*self.journal.made, image)
        self._change(replace(self.journal, phase=Phase.BUILT, made=made))

    def _timed(self, target: Target, seconds: float) -> None:
        recipes = (
            replace(one, seconds=seconds) if one.target.image == target.image else one for one in self.journal.recipes
        )
        self._change(replace(self.journal, recipes=tuple(recipes)))
