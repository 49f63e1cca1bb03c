"""The summary of a build, and its JSON: the same facts."""

from __future__ import annotations

import json
from dataclasses import replace

from builder.image.build.model import BuildResult, Candidate, PushedNames, Reproduction
from builder.image.verify.model import CheckResult, CheckStatus, VerifyReport
from builder.report.build import format_build_json, format_build_text

CANDIDATE = Candidate("sha256:a", "demo:0123456789ab", "0123456789ab", cached=False, seconds=12.34, bytes=606_409_494)
REPORT = VerifyReport("demo:0123456789ab", "sha256:a", "sqlite", (CheckResult("init", CheckStatus.PASSED, 1.0),), 7.5)
PUSHED = PushedNames(("demo:latest", "demo-init:latest"), "sha256:d")
RESULT = BuildResult(CANDIDATE, REPORT, ("demo:latest", "demo-init:latest"), PUSHED, 20.0)


def test_the_summary_has_every_figure() -> None:
    assert format_build_text(RESULT) == (
        "image     sha256:a\n"
        "tag       demo:0123456789ab\n"
        "bytes     606409494 unpacked (606 MB)\n"
        "built     in 12.3 s\n"
        "verified  1 checks in 7.5 s, database sqlite\n"
        "promoted  demo:latest\n"
        "promoted  demo-init:latest\n"
        "pushed    demo:latest@sha256:d\n"
        "pushed    demo-init:latest@sha256:d\n"
    )


def test_what_was_proven_before_is_said_so() -> None:
    text = format_build_text(replace(RESULT, candidate=replace(CANDIDATE, cached=True), report=None))
    assert "built     nothing: this content is on the engine and proven\n" in text
    assert "verified  before, by this image ID\n" in text


def test_an_unproven_candidate_is_not_called_promoted() -> None:
    text = format_build_text(replace(RESULT, report=None, promoted=(), pushed=None))
    assert "promoted  nothing" in text
    assert "verified" not in text


def test_json_has_the_same_facts() -> None:
    assert json.loads(format_build_json(RESULT)) == {
        "schema_version": 1,
        "image_id": "sha256:a",
        "reference": "demo:0123456789ab",
        "content_tag": "0123456789ab",
        "bytes": 606_409_494,
        "cached": False,
        "verified": True,
        "promoted": ["demo:latest", "demo-init:latest"],
        "pushed": ["sha256:d", "sha256:d"],
        "reproduced": None,
        "reproduced_by": None,
        "contents": None,
        "seconds": {"build": 12.34, "reproduce": None, "verify": 7.5, "total": 20.0},
    }


def test_a_second_build_is_said_with_its_time() -> None:
    result = replace(RESULT, reproduced=Reproduction(61.04))
    assert "repeated  built once more without any cache in 61.0 s: the same ID\n" in format_build_text(result)
    document = json.loads(format_build_json(result))
    assert (document["reproduced"], document["seconds"]["reproduce"]) == (True, 61.04)
    assert (document["reproduced_by"], document["contents"]) == ("id", None)


def test_which_of_the_two_holds_is_said() -> None:
    """One ID, or the same contents under two."""
    result = replace(RESULT, reproduced=Reproduction(61.04, "c" * 64))
    assert f"in 61.0 s: the same contents (sha256:{'c' * 64}), another ID: a deleted" in format_build_text(result)
    document = json.loads(format_build_json(result))
    assert (document["reproduced"], document["reproduced_by"], document["contents"]) == (True, "contents", "c" * 64)


def test_bytes_that_nobody_measured_are_not_zero() -> None:
    result = replace(RESULT, candidate=replace(CANDIDATE, bytes=None))
    assert "bytes     —  not measured" in format_build_text(result)
    assert json.loads(format_build_json(result))["bytes"] is None
