"""The result of a build, for machines."""

from __future__ import annotations

from dataclasses import replace

from builder.image.build.model import Candidate, make_metadata_document

CANDIDATE = Candidate("sha256:a", "demo:0123456789ab", "0123456789ab", cached=False, seconds=12.34, bytes=606_409_494)


def test_the_metadata_file_holds_ours_and_buildx_s() -> None:
    document = make_metadata_document(replace(CANDIDATE, metadata='{"containerimage.digest": "sha256:a"}'))
    assert document["buildx"] == {"containerimage.digest": "sha256:a"}
    assert document["image_id"] == "sha256:a"
    assert document["bytes"] == 606_409_494
    assert make_metadata_document(CANDIDATE)["buildx"] is None
