"""What a build did, as a value, and its two forms: a summary to read, and JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from builder.image.build.model import read_metadata

if TYPE_CHECKING:
    from builder.image.build.model import BuildResult, Reproduction
    from builder.report.documents.build import BuildDocument
    from builder.report.documents.metadata import MetadataDocument

RESULT_SCHEMA_VERSION = 1
METADATA_SCHEMA_VERSION = 1


def format_build_text(result: BuildResult) -> str:
    """A line per fact."""
    candidate, report = result.candidate, result.report
    built = "nothing: this content is on the engine and proven" if candidate.cached else f"in {candidate.seconds:.1f} s"
    size = "—  not measured: it went straight to its registry"
    if candidate.bytes is not None:
        size = f"{candidate.bytes} unpacked ({candidate.bytes / 1e6:.0f} MB)"
    lines = [
        f"image     {candidate.image_id}",
        f"tag       {candidate.reference}",
        f"bytes     {size}",
        f"built     {built}",
    ]
    if result.reproduced is not None:
        lines.append(f"repeated  built once more without any cache in {_format_reproduction(result.reproduced)}")
    if report is not None:
        lines.append(f"verified  {len(report.checks)} checks in {report.seconds:.1f} s, database {report.database}")
    elif result.promoted:
        lines.append("verified  before, by this image ID")
    lines += [f"promoted  {reference}" for reference in result.promoted]
    if result.pushed is not None:
        lines += [f"pushed    {reference}@{result.pushed.digest}" for reference in result.pushed.references]
    if not result.promoted:
        lines.append("promoted  nothing: a candidate is trusted after `optbuild build --verify`")
    return "\n".join(lines) + "\n"


def _format_reproduction(found: Reproduction) -> str:
    if not found.contents:
        return f"{found.seconds:.1f} s: the same ID"
    return (
        f"{found.seconds:.1f} s: the same contents (sha256:{found.contents}), another ID: a deleted file of the base "
        "bears the time of its build"
    )


def format_build_json(result: BuildResult) -> str:
    """The same facts for machines; keys are only ever added within one schema version."""
    candidate, report = result.candidate, result.report
    document: BuildDocument = {
        "schema_version": RESULT_SCHEMA_VERSION,
        "image_id": candidate.image_id,
        "reference": candidate.reference,
        "content_tag": candidate.content_tag,
        "bytes": candidate.bytes,
        "cached": candidate.cached,
        "verified": bool(result.promoted),
        "promoted": list(result.promoted),
        "pushed": [] if result.pushed is None else [result.pushed.digest] * len(result.pushed.references),
        "reproduced": True if result.reproduced is not None else None,
        "reproduced_by": None if result.reproduced is None else "contents" if result.reproduced.contents else "id",
        "contents": None if result.reproduced is None else result.reproduced.contents or None,
        "seconds": {
            "build": round(candidate.seconds, 3),
            "reproduce": None if result.reproduced is None else round(result.reproduced.seconds, 3),
            "verify": None if report is None else round(report.seconds, 3),
            "total": round(result.seconds, 3),
        },
    }
    return json.dumps(document, indent=1) + "\n"


def format_metadata_json(result: BuildResult) -> str:
    """For ``--metadata-file``."""
    return json.dumps(make_metadata_document(result), indent=1) + "\n"


def make_metadata_document(result: BuildResult) -> dict[str, Any]:
    """What ``--metadata-file`` gets: our figures, and buildx's own keys as `docker buildx build` writes them.

    ``containerimage.digest`` and ``image.name`` are those of the registry where something was pushed. ``buildx`` holds
    what buildx itself wrote (None when nothing was built), with the ID that the image has.
    """
    candidate = result.candidate
    built = read_metadata(candidate.metadata)
    document: MetadataDocument = {
        "containerimage.config.digest": candidate.config_digest,
        "image.name": candidate.reference,
        "schema_version": METADATA_SCHEMA_VERSION,
        "image_id": candidate.image_id,
        "reference": candidate.reference,
        "content_tag": candidate.content_tag,
        "cached": candidate.cached,
        "seconds": round(candidate.seconds, 3),
        "bytes": candidate.bytes,
        "buildx": built or None,
    }
    if result.pushed is not None:
        document["containerimage.digest"] = result.pushed.digest
        document["image.name"] = ",".join(result.pushed.references)
    return {**built, **document}
