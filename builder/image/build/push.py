"""Images to their registry, through the engine, with progress. Credentials are those of ``docker login``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builder.core.errors import EngineFailedError
from builder.engine.client import split_reference

if TYPE_CHECKING:
    from builder.core.progress import Progress, Task
    from builder.engine.client import Engine


def push_images(engine: Engine, references: tuple[str, ...], progress: Progress) -> tuple[str, ...]:
    """Push each reference; the digests that the registry gave, in the same order. Raises EngineFailedError."""
    return tuple(_push_image(engine, reference, progress) for reference in references)


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
            hint="is the registry right, does it answer, and are you logged in (`docker login`)?",
        )
    counted = event.get("progressDetail") or {}
    if event.get("id") and counted.get("total"):
        layers[event["id"]] = (min(counted.get("current", 0), counted["total"]), counted["total"])
        done, total = (sum(column) for column in zip(*layers.values(), strict=True))
        task.update(done=done, total=total, detail=f"{done / 1e6:.0f} of {total / 1e6:.0f} MB")
    return str((event.get("aux") or {}).get("Digest", ""))
