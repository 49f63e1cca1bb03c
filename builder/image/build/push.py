"""Images to their registry, through the engine, with progress. Credentials are those of ``docker login``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builder.core.errors import EngineFailedError
from builder.engine.client import split_reference
from builder.engine.diagnosis import PUSH_HINT
from builder.image.build.build import push_from_builder, require_builder
from builder.image.build.model import PushedNames, read_metadata

if TYPE_CHECKING:
    from builder.core.progress import Progress, Task
    from builder.engine.client import Engine
    from builder.image.build.model import BuildJob, Candidate


def push_candidate(job: BuildJob, candidate: Candidate, promoted: tuple[str, ...]) -> PushedNames:
    """Push what was ``promoted``, or the candidate under its content tag where nothing was.

    Raises EngineFailedError; with another compression than the engine's also what a build raises.
    """
    if candidate.pushed is not None:
        return candidate.pushed
    references = promoted or (candidate.reference,)
    if job.options.compression.is_default:
        return push_images(job.engine, references, job.runtime.progress)
    return _push_compressed(job, candidate, references)


def _push_compressed(job: BuildJob, candidate: Candidate, references: tuple[str, ...]) -> PushedNames:
    """From the builder's cache, first under the content tag: the other names move only to what was verified."""
    builder = require_builder(job)
    checked, metadata = push_from_builder(job, builder, (candidate.reference,))
    found = str(read_metadata(metadata).get("containerimage.config.digest"))
    if found != candidate.config_digest:
        raise EngineFailedError(
            f"{candidate.reference} in its registry is not the image on this engine: its configuration is {found}, "
            f"{candidate.config_digest} was verified. No other name was pushed",
            hint="`optbuild build --reproduce` names the file that differs from build to build",
        )
    if references == (candidate.reference,):
        return checked
    names, _ = push_from_builder(job, builder, references)
    if names.digest != checked.digest:
        raise EngineFailedError(
            f"{references[0]} was pushed as {names.digest}, {candidate.reference} as {checked.digest}"
        )
    return names


def push_images(engine: Engine, references: tuple[str, ...], progress: Progress) -> PushedNames:
    """Push each reference of one image. Raises EngineFailedError, also where the registry names two digests."""
    digests = {reference: _push_image(engine, reference, progress) for reference in references}
    if len(set(digests.values())) != 1:
        raise EngineFailedError(f"one image was pushed as several: {digests}")
    return PushedNames(references, digests[references[0]])


def _push_image(engine: Engine, reference: str, progress: Progress) -> str:
    from docker.errors import DockerException  # the SDK costs 150 ms

    repository, tag = split_reference(reference)
    layers: dict[str, tuple[int, int]] = {}
    digest = ""
    with progress.task(f"push {reference}") as task:
        try:
            for event in engine.client.api.push(repository, tag, stream=True, decode=True):
                digest = _read_push_event(event, reference, layers, task) or digest
        except DockerException as error:
            raise EngineFailedError(f"pushing {reference}: {error}") from error
    return digest


def _read_push_event(event: dict[str, Any], reference: str, layers: dict[str, tuple[int, int]], task: Task) -> str:
    """One event of the engine's stream; the digest when it is the last one."""
    if reason := event.get("error"):
        raise EngineFailedError(
            f"pushing {reference}: {reason}",
            hint=PUSH_HINT,
        )
    counted = event.get("progressDetail") or {}
    if event.get("id") and counted.get("total"):
        layers[event["id"]] = (min(counted.get("current", 0), counted["total"]), counted["total"])
        done, total = (sum(column) for column in zip(*layers.values(), strict=True))
        task.update(done=done, total=total, detail=f"{done / 1e6:.0f} of {total / 1e6:.0f} MB")
    return str((event.get("aux") or {}).get("Digest", ""))
