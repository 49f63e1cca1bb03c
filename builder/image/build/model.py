"""What a build is given and what it gives: values that pass between the stages of ``builder.image``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.core.naming import LABEL_CONTENT, LABEL_PROJECT, make_candidate_reference, make_content_tag

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.core.runtime import Runtime
    from builder.engine.buildx import BuildOptions
    from builder.engine.client import Engine, ImageInfo
    from builder.image.render.model import BuildContext
    from builder.image.verify.model import VerifyReport

METADATA_SCHEMA_VERSION = 1


@dataclass(frozen=True)
class BuildJob:
    """One context to be built as one image name on one engine."""

    runtime: Runtime
    context: BuildContext
    name: str
    engine: Engine
    options: BuildOptions
    prepare: Callable[[BuildContext, Path], None]
    """Puts the base file systems into the written context."""
    estimate: int
    """Bytes that the unpacked image is expected to take."""

    @property
    def content_tag(self) -> str:
        return make_content_tag(self.context.compute_digest())

    @property
    def reference(self) -> str:
        return make_candidate_reference(self.name, self.context.compute_digest())

    def describe_mismatch(self, image: ImageInfo) -> str:
        """What of an image differs from the plan, in words; empty: nothing."""
        planned = {LABEL_PROJECT: self.name, LABEL_CONTENT: self.content_tag}
        labels = image.labels
        wrong = [
            f"label {key} is {labels.get(key)!r}, planned {value!r}"
            for key, value in planned.items()
            if labels.get(key) != value
        ]
        if image.platform != self.context.platform:
            wrong.append(f"platform is {image.platform}, planned {self.context.platform}")
        return "; ".join(wrong)


@dataclass(frozen=True)
class Candidate:
    """An image under its content tag. ``bytes`` unpacked, as ``docker history`` sums them; ``seconds`` of the build."""

    image_id: str
    reference: str
    content_tag: str
    cached: bool
    """Nothing was built: this image is on the engine, and proven."""
    seconds: float
    bytes: int
    metadata: str = ""
    """What buildx wrote into its own metadata file; empty when nothing was built."""


def make_metadata_document(candidate: Candidate) -> dict[str, Any]:
    """What ``--metadata-file`` gets: ours, and buildx's own under its key (None when nothing was built)."""
    return {
        "schema_version": METADATA_SCHEMA_VERSION,
        "image_id": candidate.image_id,
        "reference": candidate.reference,
        "content_tag": candidate.content_tag,
        "cached": candidate.cached,
        "seconds": round(candidate.seconds, 3),
        "bytes": candidate.bytes,
        "buildx": json.loads(candidate.metadata) if candidate.metadata else None,
    }


@dataclass(frozen=True)
class BuildResult:
    """``report`` None: nothing was verified this time. ``promoted`` names; ``pushed`` digests. ``seconds`` in all."""

    candidate: Candidate
    report: VerifyReport | None
    promoted: tuple[str, ...]
    pushed: tuple[str, ...]
    seconds: float
