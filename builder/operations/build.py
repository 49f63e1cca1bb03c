"""What ``optbuild build`` does, stage by stage: build, verify, promote, push, under the project's lock."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from builder.core.errors import CandidateRefusedError, InterruptedByUserError, VanishedPackagesError
from builder.core.naming import LOCK_FILE, list_promoted_references
from builder.engine.buildx import check_platform, check_pushable
from builder.engine.client import connect_engine
from builder.engine.secrets import find_secrets
from builder.image.base.make import make_base, make_base_anew
from builder.image.build.budget import check_budget
from builder.image.build.build import build_candidate, lock_project
from builder.image.build.candidates import settle_candidates
from builder.image.build.model import BuildJob, BuildResult
from builder.image.build.preflight import estimate_disk
from builder.image.build.promote import hash_proof, is_verified, promote_candidate, record_verified, recover_promotion
from builder.image.build.push import push_candidate
from builder.image.lock.changes import compare_locks
from builder.image.lock.document import write_lock
from builder.image.render.context import render_context
from builder.image.spec.roles import choose_broker_image
from builder.image.spec.types import parse_byte_size
from builder.image.verify.dags import hash_dags
from builder.image.verify.model import CheckStatus
from builder.image.verify.plan import find_spec_dags
from builder.operations.failed_candidates import remove_failed_candidates
from builder.operations.lock import refresh_debian_packages
from builder.operations.lost_modules import check_modules
from builder.operations.project import load_project
from builder.operations.reproduce import check_reproducible
from builder.state import read_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.core.progress import Progress
    from builder.core.runtime import Runtime
    from builder.engine.buildx import BuildOptions
    from builder.engine.client import Engine
    from builder.image.build.model import Candidate, Reproduction
    from builder.image.render.model import BuildContext
    from builder.image.verify.model import VerifyReport
    from builder.operations.project import ImageProject

NOTHING_PROMOTED = "nothing was promoted: all tags stay as they were"


@dataclass(frozen=True)
class _VerifiedBuild:
    """``report`` None: exactly this was proven before."""

    report: VerifyReport | None
    references: tuple[str, ...]


class BuildFlow:
    """One run of the command. ``reproduce``: build twice, and go on only with one image ID. ``promoting`` hears the
    image's ID before the first name moves to it."""

    def __init__(
        self,
        runtime: Runtime,
        folder: Path,
        options: BuildOptions,
        *,
        verify: bool,
        refresh_base: bool,
        reproduce: bool = False,
        promoting: Callable[[str], None] = lambda _image: None,
    ) -> None:
        self.runtime = runtime
        self.folder = folder
        self.options = options
        self.verify = verify
        self.refresh_base = refresh_base
        self.reproduce = reproduce
        self.promoting = promoting
        self.promoted = False

    def run(self) -> BuildResult:
        """All stages. Raises the errors of each, and InterruptedByUserError, which says what became of the tags."""
        self.runtime.check_folders()
        project = load_project(self.folder)
        name = project.spec.image.name
        check_platform(self.options.platform, project.lock.platform)
        if self.options.push:
            check_pushable(f"{name}:latest")
        try:
            with connect_engine(self.runtime.env) as engine, lock_project(self.runtime, engine, name):
                return self._run_locked(project, engine)
        except (KeyboardInterrupt, InterruptedByUserError) as stop:
            standing = "the image had been promoted already" if self.promoted else NOTHING_PROMOTED
            raise InterruptedByUserError(f"interrupted; {standing}") from stop

    def _run_locked(self, project: ImageProject, engine: Engine) -> BuildResult:
        started = time.monotonic()
        name, state_folder = project.spec.image.name, self.runtime.state_folder
        recover_promotion(engine, state_folder, name, self.runtime.progress.note)
        left = remove_failed_candidates(self.runtime, engine, name, project.spec.folder, project.spec.protect.images)
        project, job, candidate = self._build_or_refresh(project, engine)
        check_budget(candidate, _parse_budget(project), self.runtime.progress, promoting=self.verify)
        reproduced = self._reproduce(project, job, candidate) if self.reproduce else None
        if self.reproduce:
            imported = check_modules(job, project, candidate)
            self.runtime.progress.note(f"{imported} modules: each that can be imported with all files can be without")
        proven = self._prove_and_promote(project, engine, candidate) if self.verify else _VerifiedBuild(None, ())
        pushed = push_candidate(job, candidate, proven.references) if self.options.push else None
        settle_candidates(state_folder, engine.info.identity, name, left)
        seconds = time.monotonic() - started
        return BuildResult(candidate, proven.report, proven.references, pushed, seconds, reproduced)

    def _reproduce(self, project: ImageProject, job: BuildJob, candidate: Candidate) -> Reproduction:
        foundation = project.lock.foundation
        layers = () if foundation is None else foundation.layers
        return check_reproducible(job, candidate, self._prepare_anew, layers)

    def _build_or_refresh(self, project: ImageProject, engine: Engine) -> tuple[ImageProject, BuildJob, Candidate]:
        """Build; where the mirror dropped a locked version and the person allows it, lock the new one and go on."""
        job = self._make_job(project, engine)
        try:
            return project, job, build_candidate(job)
        except VanishedPackagesError as vanished:
            if not self.refresh_base:
                raise
            self.runtime.progress.note(f"{vanished.message}: locking what it has now (--refresh-base)")
        project = refresh_debian_versions(project, self.runtime)
        job = self._make_job(project, engine)
        return project, job, build_candidate(job)

    def _prepare_anew(self, context: BuildContext, folder: Path) -> None:
        make_base_anew(self.runtime, context, folder)

    def _make_job(self, project: ImageProject, engine: Engine) -> BuildJob:
        def prepare(context: BuildContext, folder: Path) -> None:
            make_base(self.runtime, context, folder)

        foundation, several = project.lock.foundation, project.spec.build.multi_stage
        is_here = foundation is not None and engine.find_image_id(foundation.pinned_name) is not None
        return BuildJob(
            self.runtime,
            render_context(project.spec, project.lock),
            project.spec.image.name,
            engine,
            self.options,
            prepare,
            estimate_disk(project.lock, several=several, base_is_here=is_here),
            push_directly=self.options.push and not self.verify and not self.reproduce,
        )

    def _prove_and_promote(self, project: ImageProject, engine: Engine, candidate: Candidate) -> _VerifiedBuild:
        """Verify unless exactly this was proven before, then promote."""
        name, folder, say = project.spec.image.name, self.runtime.state_folder, self.runtime.progress.note
        wanted = project.spec.verify
        broker = choose_broker_image(wanted.broker, project.roles)
        proof = hash_proof(project.roles, wanted.database, broker or "", hash_dags(find_spec_dags(project.spec)))
        report = None
        if not is_verified(read_state(folder, warn=say), candidate.image_id, proof):
            report = _verify_candidate(project, candidate, self.runtime)
            self._record(candidate, report, name, proof)
        roles = tuple(role.name for role in project.roles)
        references = list_promoted_references(name, project.spec.image.tags, roles)
        self.promoting(candidate.image_id)
        promote_candidate(candidate, references, project=name, engine=engine, folder=folder, say=say)
        self.promoted = True
        return _VerifiedBuild(report, references)

    def _record(self, candidate: Candidate, report: VerifyReport, name: str, proof: str) -> None:
        try:
            record_verified(self.runtime.state_folder, candidate, report, project=name, proof=proof)
        except CandidateRefusedError:
            show_failures(report, self.runtime.progress)
            raise


def show_failures(report: VerifyReport, progress: Progress) -> None:
    """What each failed check found, its hint, and the end of the log it comes from."""
    for check in report.checks:
        if check.status is not CheckStatus.FAILED:
            continue
        lines = [f"check {check.name} failed: {check.message}"]
        lines += [f"    {line}" for line in check.log.splitlines()]
        lines += [f"  next: {check.hint}"] if check.hint else []
        progress.note("\n".join(lines))


def refresh_debian_versions(project: ImageProject, runtime: Runtime) -> ImageProject:
    """The project with the Debian versions that the release has now: said, and written into the lock."""
    lock = refresh_debian_packages(runtime, project.spec, project.lock)
    for move in compare_locks(project.lock, lock).debian:
        runtime.progress.note(f"   {move}")
    path = project.spec.folder / LOCK_FILE
    write_lock(path, lock)
    runtime.progress.note(f"wrote {path}: commit it, so that others build the same")
    return replace(project, lock=lock)


def _parse_budget(project: ImageProject) -> int | None:
    """Bytes, where the spec sets a limit."""
    text = project.spec.budget.image_bytes
    return None if text is None else parse_byte_size(text)


def _verify_candidate(project: ImageProject, candidate: Candidate, runtime: Runtime) -> VerifyReport:
    from builder.image.verify.plan import make_plan_from_spec  # testcontainers and the SDK
    from builder.image.verify.run import verify_image

    forbidden = tuple(text.encode() for text in find_secrets(runtime.env).list_credentials())
    plan = replace(make_plan_from_spec(project.spec, project.lock, project.roles), forbidden=forbidden)
    return verify_image(runtime, candidate.image_id, plan)
