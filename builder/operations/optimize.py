"""What ``optbuild optimize`` does: plan, show, ask, build or take, verify, back up, write, restart, report."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from builder.core.errors import ComposeError, ToolError
from builder.operations.plan import PlanOptions, find_project, plan_of
from builder.operations.project_lock import engine_if_any, one_at_a_time, outside_of, recovered
from builder.rollout.preview import Ready
from builder.rollout.wait import DEFAULT_TIMEOUT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.compose.model import ProjectFiles, Target
    from builder.compose.planned import Planned
    from builder.core.runtime import Runtime
    from builder.engine.client import Engine
    from builder.engine.compose import ComposeCli
    from builder.engine.compose_containers import Container
    from builder.rollout.apply import Applied
    from builder.rollout.context import Outside
    from builder.rollout.journal import Journal
    from builder.rollout.request import Work
    from builder.rollout.result import Outcome


@dataclass(frozen=True)
class OptimizeOptions:
    """What a person may choose beside the plan."""

    plan: PlanOptions = field(default_factory=PlanOptions)
    yes: bool = False
    dry_run: bool = False
    file_only: bool = False
    rebuild: bool = False
    service: str | None = None
    no_cache: bool = False
    clean: bool = False
    timeout: float = DEFAULT_TIMEOUT_SECONDS


class OptimizeFlow:
    """One run of the command. ``show`` prints what would be done, ``agree`` asks whether to do it."""

    def __init__(
        self,
        runtime: Runtime,
        options: OptimizeOptions,
        show: Callable[[Ready], None],
        agree: Callable[[Ready], bool],
    ) -> None:
        self.runtime = runtime
        self.options = options
        self.show = show
        self.agree = agree

    def run(self) -> Outcome:
        """An empty one: nothing was done (nothing to do, a dry run, or the person said no). Raises what each stage
        raises."""
        from builder.engine.compose import find_compose

        files, _ = find_project(self.runtime, self.options.plan)
        cli = find_compose(self.runtime.runner, self.runtime.env)
        with engine_if_any(self.runtime) as (engine, missing):
            if missing is not None and not (self.options.file_only or self.options.dry_run):
                raise missing
            return self._with_engine(files, cli, engine)

    def _with_engine(self, files: ProjectFiles, cli: ComposeCli, engine: Engine | None) -> Outcome:
        outside = outside_of(self.runtime, cli, engine, self.options.timeout)
        with one_at_a_time(outside, files, "optimize"):
            if not self.options.dry_run:
                recovered(outside, files)
            from builder.rollout.result import refused_of, warnings_of

            ready = self._ready(outside)
            self.show(ready)
            plan = ready.planned.plan
            return replace(
                self._agreed(outside, ready, engine),
                warnings=warnings_of(plan, ready.work.targets),
                refused=refused_of(plan),
            )

    def _agreed(self, outside: Outside, ready: Ready, engine: Engine | None) -> Outcome:
        from builder.rollout.result import Outcome

        nothing = Outcome(ready.work.project.name)
        if self.options.dry_run:
            return nothing
        if not ready.work.targets:
            return self._only_clean(outside, ready, nothing)
        self._refuse_running(ready)
        if not self.agree(ready):
            return nothing
        return self._apply(outside, ready, engine)

    def _ready(self, outside: Outside) -> Ready:
        from builder.rollout.journal_file import read_journal
        from builder.rollout.request import Work

        planned = plan_of(self.runtime, self.options.plan)
        journal = read_journal(outside.committed(planned.files))
        options = self.options
        work = Work(
            run=secrets.token_hex(4),
            project=planned.plan.project,
            targets=self._targets(planned, journal),
            edits=tuple(edit for edit in planned.plan.edits if edit.changes),
            rebuild=options.rebuild,
            no_cache=options.no_cache,
            file_only=options.file_only,
            recipes=journal.recipes if journal else (),
        )
        self._prove(planned, work)
        return Ready(planned, work, journal, self._running(outside, work))

    def _targets(self, planned: Planned, journal: Journal | None) -> tuple[Target, ...]:
        from builder.rollout.rebuild import targets_of

        choices = planned.choices
        spec = (choices.spec_image, choices.spec_folder) if choices.spec_image and choices.spec_folder else None
        recipes = journal.recipes if journal else ()
        return targets_of(planned.plan, recipes, spec, rebuild=self.options.rebuild, service=self.options.service)

    def _prove(self, planned: Planned, work: Work) -> None:
        """Before anything else: the new files mean what the old ones meant, but for the planned keys."""
        if not work.edits:
            return
        from builder.compose.load.config import ask
        from builder.compose.rewrite.check import prove

        runtime = self.runtime
        prove(
            work.project,
            work.edits,
            work.targets,
            lambda overlay: ask(planned.files, planned.cli, runtime.runner, runtime.env, overlay=overlay),
        )

    def _running(self, outside: Outside, work: Work) -> tuple[str, ...]:
        from builder.rollout.containers import steps_of

        if outside.engine is None:
            return ()
        found = {one.service for one in outside.engine.containers(work.project.name)}
        return tuple(name for step in steps_of(work.project, work.affected) for name in step if name in found)

    def _refuse_running(self, ready: Ready) -> None:
        if self.options.file_only and ready.running:
            raise ComposeError(
                f"--file-only, but {', '.join(ready.running)} of this project have containers: they would go on with "
                "images that the file no longer names",
                hint="leave --file-only out, or take the stack down first: `docker compose down` (volumes stay)",
            )

    def _apply(self, outside: Outside, ready: Ready, engine: Engine | None) -> Outcome:
        from builder.operations.prove_shared_image import hands_for
        from builder.rollout.apply import apply, done_already
        from builder.rollout.request import Hands

        if engine is None:
            hands = Hands(lambda _image, _target: None, lambda _target, _promoting: "", lambda _target: ())
        else:
            hands = hands_for(self.runtime, engine, ready.planned.plan, no_cache=self.options.no_cache)
        from builder.operations.old_images import bytes_here, with_old_images

        measured = engine is not None and not self.options.file_only
        before = bytes_here(self.runtime) if measured else None
        applied = apply(outside, ready.work, hands)
        clean = self.options.clean
        with done_already(applied):
            outcome = self._outcome(outside, ready, applied)
            if not measured:
                return outcome
            return with_old_images(
                self.runtime, outside, applied.journal, outcome, ready.planned, asked=clean, before=before
            )

    def _outcome(self, outside: Outside, ready: Ready, applied: Applied) -> Outcome:
        from builder.rollout.result import Outcome, services_of

        journal = applied.journal
        now = self._now(outside, journal.project)
        return Outcome(
            project=journal.project,
            files=tuple(edit.path for edit in journal.edits),
            backups=tuple(edit.backup for edit in journal.edits),
            targets=ready.work.targets,
            images=dict(applied.images),
            services=services_of(applied, now) if now else (),
        )

    def _now(self, outside: Outside, project: str) -> tuple[Container, ...]:
        """The containers; none where they cannot be looked at: all was done, and that is what counts."""
        if outside.engine is None or self.options.file_only:
            return ()
        try:
            return outside.engine.containers(project)
        except ToolError as error:
            self.runtime.progress.note(f"what was restarted is up, but could not be looked at once more: {error}")
            return ()

    def _only_clean(self, outside: Outside, ready: Ready, nothing: Outcome) -> Outcome:
        """Nothing to change; ``--clean`` still removes what the last optimize left."""
        from builder.operations.old_images import with_old_images

        if not self.options.clean or ready.journal is None or not self.agree(ready):
            return nothing
        return with_old_images(self.runtime, outside, ready.journal, nothing, ready.planned, asked=True)
