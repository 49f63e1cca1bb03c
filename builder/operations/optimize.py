"""What ``optbuild optimize`` does: plan, show, ask, build or take, verify, back up, write, restart, report."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from builder.core.errors import ComposeError, ToolError
from builder.operations.plan import PlanOptions, find_project, run_plan
from builder.operations.project_lock import (
    connect_if_available,
    lock_compose_project,
    make_rollout_context,
    recover_killed_run,
)
from builder.rollout.preview import OptimizePreview
from builder.rollout.wait import DEFAULT_TIMEOUT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.compose.model import ProjectFiles, SharedTarget
    from builder.compose.planned import PlanResult
    from builder.core.runtime import Runtime
    from builder.engine.client import Engine
    from builder.engine.compose import ComposeCli
    from builder.engine.compose_containers import Container
    from builder.rollout.apply import ApplyResult
    from builder.rollout.context import RolloutContext
    from builder.rollout.journal import Journal
    from builder.rollout.request import RolloutRequest
    from builder.rollout.result import RolloutResult


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
        show: Callable[[OptimizePreview], None],
        agree: Callable[[OptimizePreview], bool],
    ) -> None:
        self.runtime = runtime
        self.options = options
        self.show = show
        self.agree = agree

    def run(self) -> RolloutResult:
        """An empty one: nothing was done (nothing to do, a dry run, or the person said no). Raises what each stage
        raises."""
        from builder.engine.compose import find_compose

        files, _ = find_project(self.runtime, self.options.plan)
        cli = find_compose(self.runtime.runner, self.runtime.env)
        with connect_if_available(self.runtime) as (engine, missing):
            if missing is not None and not (self.options.file_only or self.options.dry_run):
                raise missing
            return self._run_with_engine(files, cli, engine)

    def _run_with_engine(self, files: ProjectFiles, cli: ComposeCli, engine: Engine | None) -> RolloutResult:
        context = make_rollout_context(self.runtime, cli, engine, self.options.timeout)
        with lock_compose_project(context, files, "optimize"):
            if not self.options.dry_run:
                recover_killed_run(context, files)
            from builder.rollout.result import collect_warnings, list_refused_services

            ready = self._make_preview(context)
            self.show(ready)
            plan = ready.planned.plan
            return replace(
                self._apply_if_agreed(context, ready, engine),
                warnings=collect_warnings(plan, ready.work.targets),
                refused=list_refused_services(plan),
            )

    def _apply_if_agreed(self, context: RolloutContext, ready: OptimizePreview, engine: Engine | None) -> RolloutResult:
        from builder.rollout.result import RolloutResult

        nothing = RolloutResult(ready.work.project.name)
        if self.options.dry_run:
            return nothing
        if not ready.work.targets:
            return self._clean_only(context, ready, nothing)
        self._refuse_running(ready)
        if not self.agree(ready):
            return nothing
        return self._apply(context, ready, engine)

    def _make_preview(self, context: RolloutContext) -> OptimizePreview:
        from builder.rollout.journal_file import read_journal
        from builder.rollout.request import RolloutRequest

        planned = run_plan(self.runtime, self.options.plan)
        journal = read_journal(context.committed(planned.files))
        options = self.options
        work = RolloutRequest(
            run=secrets.token_hex(4),
            project=planned.plan.project,
            targets=self._select_targets(planned, journal),
            edits=tuple(edit for edit in planned.plan.edits if edit.changes),
            rebuild=options.rebuild,
            no_cache=options.no_cache,
            file_only=options.file_only,
            recipes=journal.recipes if journal else (),
        )
        self._prove(planned, work)
        return OptimizePreview(planned, work, journal, self._find_running_services(context, work))

    def _select_targets(self, planned: PlanResult, journal: Journal | None) -> tuple[SharedTarget, ...]:
        from builder.rollout.rebuild import select_rebuild_targets

        choices = planned.choices
        spec = (choices.spec_image, choices.spec_folder) if choices.spec_image and choices.spec_folder else None
        recipes = journal.recipes if journal else ()
        return select_rebuild_targets(
            planned.plan, recipes, spec, rebuild=self.options.rebuild, service=self.options.service
        )

    def _prove(self, planned: PlanResult, work: RolloutRequest) -> None:
        """Before anything else: the new files mean what the old ones meant, but for the planned keys."""
        if not work.edits:
            return
        from builder.compose.load.config import load_config
        from builder.compose.rewrite.check import prove_edits

        runtime = self.runtime
        prove_edits(
            work.project,
            work.edits,
            work.targets,
            lambda overlay: load_config(planned.files, planned.cli, runtime.runner, runtime.env, overlay=overlay),
        )

    def _find_running_services(self, context: RolloutContext, work: RolloutRequest) -> tuple[str, ...]:
        from builder.rollout.containers import split_into_steps

        if context.engine is None:
            return ()
        found = {one.service for one in context.engine.list_containers(work.project.name)}
        return tuple(name for step in split_into_steps(work.project, work.affected) for name in step if name in found)

    def _refuse_running(self, ready: OptimizePreview) -> None:
        if self.options.file_only and ready.running:
            raise ComposeError(
                f"--file-only, but {', '.join(ready.running)} of this project have containers: they would go on with "
                "images that the file no longer names",
                hint="leave --file-only out, or take the stack down first: `docker compose down` (volumes stay)",
            )

    def _apply(self, context: RolloutContext, ready: OptimizePreview, engine: Engine | None) -> RolloutResult:
        from builder.operations.prove_shared_image import make_image_builders
        from builder.rollout.apply import apply_plan, explain_late_interrupt
        from builder.rollout.request import ImageBuilders

        if engine is None:
            builders = ImageBuilders(lambda _image, _target: None, lambda _target, _promoting: "", lambda _target: ())
        else:
            builders = make_image_builders(self.runtime, engine, ready.planned.plan, no_cache=self.options.no_cache)
        from builder.operations.old_images import add_old_images, measure_engine_bytes

        measured = engine is not None and not self.options.file_only
        before = measure_engine_bytes(self.runtime) if measured else None
        applied = apply_plan(context, ready.work, builders)
        clean = self.options.clean
        with explain_late_interrupt(applied):
            outcome = self._make_rollout_result(context, ready, applied)
            if not measured:
                return outcome
            return add_old_images(context, applied.journal, outcome, ready.planned, asked=clean, before=before)

    def _make_rollout_result(
        self, context: RolloutContext, ready: OptimizePreview, applied: ApplyResult
    ) -> RolloutResult:
        from builder.rollout.result import RolloutResult, choose_start_without_build, collect_service_results

        journal = applied.journal
        now = self._list_containers(context, journal.project)
        return RolloutResult(
            project=journal.project,
            files=tuple(edit.path for edit in journal.edits),
            backups=tuple(edit.backup for edit in journal.edits),
            targets=ready.work.targets,
            images=dict(applied.images),
            services=collect_service_results(applied, now) if now else (),
            starts={one.image: choose_start_without_build(ready.work.project, one) for one in ready.work.targets},
        )

    def _list_containers(self, context: RolloutContext, project: str) -> tuple[Container, ...]:
        """The containers; none where they cannot be looked at: all was done, and that is what counts."""
        if context.engine is None or self.options.file_only:
            return ()
        try:
            return context.engine.list_containers(project)
        except ToolError as error:
            self.runtime.progress.note(f"the restarted services are up, but could not be looked at once more: {error}")
            return ()

    def _clean_only(self, context: RolloutContext, ready: OptimizePreview, nothing: RolloutResult) -> RolloutResult:
        """Nothing to change; ``--clean`` still removes what the last optimize left."""
        from builder.operations.old_images import add_old_images

        if not self.options.clean or ready.journal is None or not self.agree(ready):
            return nothing
        return add_old_images(context, ready.journal, nothing, ready.planned, asked=True)
