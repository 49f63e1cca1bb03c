"""The result of a build, for machines."""

from __future__ import annotations

from dataclasses import replace

from builder.image.build.model import BuildResult, Candidate, PushedNames
from builder.report.build import make_metadata_document

CANDIDATE = Candidate("sha256:a", "demo:0123456789ab", "0123456789ab", cached=False, seconds=12.34, bytes=606_409_494)
RESULT = BuildResult(CANDIDATE, None, (), None, 20.0)


def test_the_metadata_file_holds_ours_and_buildx_s() -> None:
    candidate = replace(CANDIDATE, metadata='{"containerimage.digest": "sha256:a"}')
    document = make_metadata_document(replace(RESULT, candidate=candidate))
    assert document["buildx"] == {"containerimage.digest": "sha256:a"}
    assert document["image_id"] == "sha256:a"
    assert document["bytes"] == 606_409_494
    assert make_metadata_document(RESULT)["buildx"] is None


def test_the_metadata_file_has_buildx_s_own_keys_with_what_was_pushed() -> None:
    written = (
        '{"containerimage.config.digest": "sha256:c", "containerimage.digest": "sha256:m", "image.name": "demo:0"}'
    )
    candidate = replace(CANDIDATE, metadata=written)
    built = make_metadata_document(replace(RESULT, candidate=candidate))
    assert (built["containerimage.config.digest"], built["containerimage.digest"]) == ("sha256:c", "sha256:m")
    pushed = PushedNames(("r.example/demo:latest", "r.example/demo-web:latest"), "sha256:p")
    document = make_metadata_document(replace(RESULT, candidate=candidate, pushed=pushed))
    assert document["containerimage.digest"] == "sha256:p"
    assert document["image.name"] == "r.example/demo:latest,r.example/demo-web:latest"
    assert document["buildx"]["containerimage.digest"] == "sha256:m"


def test_what_was_not_built_has_the_keys_too() -> None:
    document = make_metadata_document(RESULT)
    assert document["containerimage.config.digest"] == "sha256:a"
    assert document["image.name"] == "demo:0123456789ab"
    assert "containerimage.digest" not in document
