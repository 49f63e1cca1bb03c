"""What the image of ``[base]`` holds: only where there is one, an engine is needed to lock."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder.core.errors import Where

if TYPE_CHECKING:
    from builder.core.runtime import Runtime
    from builder.foundation.request import FoundationRequest
    from builder.image.lock.foundation import ReadFoundation
    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec


def read_base_image(
    runtime: Runtime, spec: Spec, previous: Lock | None, platform: str, *, refresh: bool = False
) -> ReadFoundation | None:
    """None for a Debian base. The digest of ``previous`` counts where that stands on the same image of the same
    platform, unless ``refresh``: then the registry says what the tag is now.

    Raises BaseRefusedError, BaseUnreachableError, DiskFullError, EngineMissingError.
    """
    request = make_foundation_request(spec, previous, platform, refresh=refresh)
    if request is None:
        return None
    from builder.engine.client import connect_engine  # the SDK, which a Debian base does not need
    from builder.foundation.download import check_room
    from builder.foundation.pull import pull_image
    from builder.foundation.read import read_foundation

    with connect_engine(runtime.env) as engine:

        def pull(name: str) -> None:
            check_room(runtime, engine.measure_free_bytes(), name, platform)
            pull_image(runtime, request, name)

        return read_foundation(
            engine,
            request,
            pull,
            runtime.cache_folder,
            runtime.progress,
        )


def make_foundation_request(
    spec: Spec, previous: Lock | None, platform: str, *, refresh: bool
) -> FoundationRequest | None:
    """What is wanted of the image; None for a Debian base."""
    from builder.foundation.request import FoundationRequest
    from builder.image.spec.positions import read_positions

    kind = spec.base.kind
    if kind == "debian":
        return None
    reference = str(getattr(spec.base, kind))
    request = FoundationRequest(
        kind=kind,
        reference=reference,
        platform=platform,
        python=spec.python.version,
        airflow=spec.airflow.version,
        where=Where(spec.file, read_positions(Path(spec.file)).get(("base", kind)), f"base.{kind}"),
        refresh=refresh,
    )
    before = None if previous is None else previous.foundation
    if before is None or (before.kind, before.reference, before.platform) != (kind, reference, platform):
        return request
    return replace(request, known=before.digest, pinned="" if refresh else before.digest)
