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
    from builder.image.build.preflight import DiskEstimate
    from builder.image.render.model import BuildContext
    from builder.image.verify.model import VerifyReport


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
    estimate: DiskEstimate
    """What the build is expected to take on a disk."""
    push_directly: bool = False
    """To be pushed, and nothing needs the image here first: a builder that can sends it to its registry itself."""

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
    bytes: int | None
    """None: it went straight to its registry, and nobody here unpacked it."""
    metadata: str = ""
    """What buildx wrote into its own metadata file, with the ID that the image has; empty when nothing was built."""
    pushed: PushedNames | None = None
    """It went straight from its builder to its registry and is not on the engine."""

    @property
    def config_digest(self) -> str:
        """Of the image's configuration, which is what a classic store calls the image's ID."""
        return str(read_metadata(self.metadata).get("containerimage.config.digest") or self.image_id)


@dataclass(frozen=True)
class Reproduction:
    """A second build without any cache gave the same. ``seconds`` of that build."""

    seconds: float
    contents: str = ""
    """The sha256 of both images' contents, where their IDs cannot be one; empty: it is one ID."""


@dataclass(frozen=True)
class PushedNames:
    """What a registry has now. ``digest`` of the one manifest that all ``references`` lead to."""

    references: tuple[str, ...]
    digest: str


def read_metadata(text: str) -> dict[str, Any]:
    """buildx's metadata file; empty for an empty text."""
    return dict(json.loads(text)) if text else {}


@dataclass(frozen=True)
class BuildResult:
    """``report`` None: nothing was verified this time. ``promoted`` names. ``seconds`` in all."""

    candidate: Candidate
    report: VerifyReport | None
    promoted: tuple[str, ...]
    pushed: PushedNames | None
    seconds: float
    reproduced: Reproduction | None = None
    """Seconds that the second build took, which gave the same ID; None: there was none."""
