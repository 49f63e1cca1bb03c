"""Context → candidate: an image under its content tag, built only when nothing proven has the same content."""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from builder.core.errors import BuildFailedError, EngineFailedError
from builder.core.files import hold_lock
from builder.core.progress import SilentProgress
from builder.core.redact import mask_output
from builder.engine.build_progress import StepReporter
from builder.engine.buildkit_events import mask_event_line
from builder.engine.buildx import (
    BuildPlan,
    PushedImage,
    check_options,
    check_platform,
    find_builder,
    make_buildx_command,
)
from builder.engine.compression import check_manifest
from builder.engine.registry import query_manifest
from builder.engine.secrets import find_secrets
from builder.image.build.candidates import open_candidate, record_candidate
from builder.image.build.layer_order import put_layers_in_order
from builder.image.build.model import Candidate, PushedNames, read_metadata
from builder.image.build.preflight import check_disks, explain_full_disk, measure_disks
from builder.image.build.workspace import CONTEXTS, make_build_folder, remove_dead_folders
from builder.state import read_state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.core.progress import Progress
    from builder.core.runtime import Runtime
    from builder.engine.buildx import Builder
    from builder.engine.client import Engine, ImageInfo
    from builder.image.build.model import BuildJob

_STEP = re.compile(r"^\[(?!internal\])")
"""How BuildKit names a step of the Dockerfile."""


@dataclass(frozen=True)
class BuiltFolder:
    """``metadata``: the text of buildx's own file. ``cached``: steps that were not run, where buildx tells (0.13)."""

    metadata: str
    cached: tuple[str, ...]


@contextlib.contextmanager
def lock_project(runtime: Runtime, engine: Engine, name: str) -> Iterator[None]:
    """One build of a project at a time, per engine; the second one waits, and says for whom."""
    path = runtime.state_folder / "locks" / f"{_hash_project(engine, name)}.lock"

    def say(holder: str) -> None:
        runtime.progress.note(f"waiting: one build of {name} at a time, and this one is running: {holder}")

    with hold_lock(path, f"build of {name}", on_wait=say):
        yield


def _hash_project(engine: Engine, name: str) -> str:
    return hashlib.sha256(f"{engine.info.identity}\0{name}".encode()).hexdigest()[:16]


def build_candidate(job: BuildJob) -> Candidate:
    """Build the context under its content tag, or find it proven. The caller holds :func:`lock_project`.

    Raises BuildRefusedError and DiskFullError before, BuildFailedError after anything was built.
    """
    for folder in remove_dead_folders(job.runtime.cache_folder / CONTEXTS):
        job.runtime.progress.note(f"removed {folder}: the build it belonged to was killed")
    check_platform(job.options.platform, job.context.platform)
    if _may_be_skipped(job) and (proven := find_proven_candidate(job)):
        return proven
    started = time.monotonic()
    builder = require_builder(job)
    if job.push_directly and has_own_store(builder, job.engine):
        return _build_in_registry(job, builder, started)
    record_candidate(opened := open_candidate(job), job.runtime.state_folder)
    built = build_context(job, builder)
    image = require_built_image(job, job.reference)
    record_candidate(replace(opened, image_id=image.id), job.runtime.state_folder)
    ordered = order_built_image(job, builder, image, job.reference, built.cached)
    if ordered.id != image.id:
        record_candidate(replace(opened, image_id=ordered.id), job.runtime.state_folder)
    return Candidate(
        ordered.id,
        job.reference,
        job.content_tag,
        cached=False,
        seconds=time.monotonic() - started,
        bytes=ordered.unpacked,
        metadata=built.metadata.replace(image.id, ordered.id),
    )


def _may_be_skipped(job: BuildJob) -> bool:
    """What the engine pushes it compresses in its own way: another one needs the builder, and what it has cached."""
    return not job.options.no_cache and job.options.compression.is_default


def _build_in_registry(job: BuildJob, builder: Builder, started: float) -> Candidate:
    """Under the content tag, which nobody takes for verified; the image does not come here."""
    names, metadata = push_from_builder(job, builder, (job.reference,))
    return Candidate(
        str(read_metadata(metadata).get("containerimage.config.digest")),
        job.reference,
        job.content_tag,
        cached=False,
        seconds=time.monotonic() - started,
        bytes=None,
        metadata=metadata,
        pushed=names,
    )


def push_from_builder(job: BuildJob, builder: Builder, references: tuple[str, ...]) -> tuple[PushedNames, str]:
    """Build, or take from the builder's cache, straight into the registry; what it has then, and buildx's metadata.

    The pushed manifest is read again: it must be what was built, compressed as was asked. Raises BuildFailedError,
    EngineFailedError.
    """
    metadata = build_context(job, builder, PushedImage(references, job.options.compression)).metadata
    found = read_metadata(metadata)
    if "containerimage.digest" not in found:
        raise EngineFailedError(f"buildx said that it pushed {references[0]}, but not with which digest")
    names = PushedNames(references, str(found["containerimage.digest"]))
    runtime = job.runtime
    for reference in references:
        manifest = query_manifest(runtime.runner, runtime.env, builder.name, f"{reference}@{names.digest}")
        check_manifest(manifest, job.options.compression, str(found.get("containerimage.config.digest")), reference)
    return names, metadata


def find_proven_candidate(job: BuildJob) -> Candidate | None:
    """The image of this content, if the engine has it, with our labels, and its ID was verified; else None.

    Where an older optbuild left its layers in another order, that is put right: then it must be verified again.
    """
    image = job.engine.inspect_image(job.reference)
    if image is None or job.describe_mismatch(image):
        return None
    if image.id not in read_state(job.runtime.state_folder, warn=job.runtime.progress.note).verified:
        return None
    started = time.monotonic()
    ordered = put_layers_in_order(job.runtime, job.engine, image, job.reference, from_cache=True)
    same, seconds = ordered.id == image.id, time.monotonic() - started
    return Candidate(
        ordered.id,
        job.reference,
        job.content_tag,
        cached=same,
        seconds=0.0 if same else seconds,
        bytes=ordered.unpacked,
    )


def require_builder(job: BuildJob) -> Builder:
    """The builder that will be used, able to do what is asked, with disk enough."""
    engine, runtime = job.engine, job.runtime
    builder = find_builder(runtime.runner, runtime.env, job.options.builder)
    store = engine.info.containerd_store
    check_options(job.options, builder, reference=job.reference, platform=job.context.platform, containerd_store=store)
    check_disks(runtime, engine, job.estimate)
    return builder


def has_own_store(builder: Builder, engine: Engine) -> bool:
    """Whether the builder keeps and pushes images itself."""
    return builder.has_own_store(containerd_store=engine.info.containerd_store)


def build_context(job: BuildJob, builder: Builder, output: PushedImage | None = None) -> BuiltFolder:
    """Write the context into its project's folder and run buildx on it."""
    name = _hash_project(job.engine, job.name)
    with (
        explain_full_disk(partial(measure_disks, job.runtime, job.engine), job.estimate),
        make_build_folder(job.runtime.cache_folder / CONTEXTS, name) as folder,
    ):
        context = folder / "context"
        job.context.write(context)
        job.prepare(job.context, context)
        return build_folder(job, builder, context, job.reference, output=output)


def build_folder(
    job: BuildJob, builder: Builder, context: Path, reference: str, *, output: PushedImage | None = None
) -> BuiltFolder:
    """Run buildx on a written ``context``, which becomes ``reference``."""
    plan = BuildPlan(
        reference=reference,
        platform=job.context.platform,
        source_date_epoch=job.context.source_date_epoch,
        metadata=context.parent / "metadata.json",
        folder=context,
        options=job.options,
        secrets=find_secrets(job.runtime.env),
        rawjson=builder.supports_rawjson,
        output=output,
    )
    if not plan.rawjson:
        version = ".".join(map(str, builder.version))
        job.runtime.progress.note(f"buildx {version} has no event stream (0.13 has): its plain output follows")
    job.runtime.progress.note(f"building {reference}" if output is None else f"pushing {', '.join(output.references)}")
    cached = run_buildx(plan, job.runtime)
    return BuiltFolder(plan.metadata.read_text(encoding="utf-8") if plan.metadata.exists() else "", cached)


def run_buildx(plan: BuildPlan, runtime: Runtime) -> tuple[str, ...]:
    """One docker client, its events shown; the steps that came from a cache. Raises BuildFailedError."""
    hidden = plan.secrets.list_masked_texts()
    shown: Progress = runtime.progress if plan.options.progress in ("auto", "plain") else SilentProgress()
    reporter = StepReporter(shown, hidden=hidden, show_logs=plan.options.progress == "plain")

    def take(line: str) -> None:
        if plan.options.progress == "rawjson":
            runtime.err.write(mask_event_line(line, hidden) + "\n")
            runtime.err.flush()
        elif not plan.rawjson:
            shown.note(mask_output(line, hidden))
        reporter.read_line(line)

    try:
        result = runtime.runner.run(make_buildx_command(plan, runtime.env), on_err=take)
    finally:
        reporter.close()
    if not result.ok:
        raise reporter.make_failure()
    return reporter.list_cached_steps()


def order_built_image(
    job: BuildJob, builder: Builder, image: ImageInfo, reference: str, cached: tuple[str, ...]
) -> ImageInfo:
    """The image that was just built as ``reference``, with its layers in the one order. ``cached``: steps that were not
    run. What a builder with a store of its own wrote is in that order."""
    if has_own_store(builder, job.engine):
        return image
    from_cache = not builder.supports_rawjson or any(_STEP.match(step) for step in cached)
    return put_layers_in_order(job.runtime, job.engine, image, reference, from_cache=from_cache)


def require_built_image(job: BuildJob, reference: str) -> ImageInfo:
    """What the engine has under ``reference``. Raises EngineFailedError and BuildFailedError."""
    image = job.engine.inspect_image(reference)
    if image is None:
        raise EngineFailedError(f"buildx said that it built {reference}, but the engine has no such image")
    if wrong := job.describe_mismatch(image):
        raise BuildFailedError(None, f"{reference} is not what was planned: {wrong}", ())
    return image
