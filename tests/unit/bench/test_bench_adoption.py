"""The table of adoption, which results of an earlier run count, and what the comparison finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from adoption import Sample, compare_report, compare_spec, list_samples
from bench_adoption import format_table, measure_distance, parse_options, read_record, run_sample, write_record

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    import pytest
    from stand_in_registry import StandInRegistry

SAMPLE = next(one for one in list_samples() if one.name == "seed-ml")
RECORD: dict[str, Any] = {
    "outcome": "proven",
    "base": "airflow",
    "carried": 12,
    "open": 0,
    "spec": [],
    "lock": 5.0,
    "build": 60.0,
    "checks": 15,
    "end": "as expected",
}
SPEC = (
    '[image]\nname = "x"\n[image.env]\nA = "1"\n[base]\nairflow = "apache/airflow:2.8.1-python3.11"\n'
    '[airflow]\nversion = "2.8.1"\n[python]\nversion = "3.11"\nrequirements = ["pandas==2.0.2"]\n'
)


def read_options(folder: Path, *words: str) -> argparse.Namespace:
    return parse_options(["--folder", str(folder), *words])


def test_a_result_of_this_tree_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_record(SAMPLE, read_options(tmp_path, "--until=render"), dict(RECORD))
    assert read_record(SAMPLE, read_options(tmp_path)) is None  # nothing was built
    found = read_record(SAMPLE, read_options(tmp_path, "--until=render"))
    assert found is not None
    assert found["end"] == "as expected"
    monkeypatch.setattr("bench_adoption.hash_sample", lambda _sample: "another")
    assert read_record(SAMPLE, read_options(tmp_path, "--until=render")) is None
    assert read_record(SAMPLE, read_options(tmp_path, "--table")) is not None


def test_what_was_found_before_a_step_failed_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_late(_one: Sample, *_places: object, until: str) -> str:
        found = _places[-1]
        assert isinstance(found, dict)
        found["carried"] = 12
        raise RuntimeError(f"no {until}")

    monkeypatch.setattr("bench_adoption.adopt", fail_late)
    record = run_sample(SAMPLE, cast("StandInRegistry", None), until="build")
    assert record == {"outcome": "proven", "carried": 12, "end": "no build"}


def test_the_table_counts_what_is_proven() -> None:
    refused = {"outcome": "refused", "end": "as expected"}
    failed = {**RECORD, "end": "variable A=1, found None"}
    text = format_table({"a": RECORD, "b": refused, "c": failed, "d": None})
    assert "4 projects, 2 as expected, 1 of them proven images" in text
    assert "refused, as expected" in text
    assert "variable A=1" in text
    assert "not run" in text


def test_what_is_missing_in_a_spec_is_named(tmp_path: Path) -> None:
    (tmp_path / "optbuild.toml").write_text(SPEC)
    sample = Sample(
        "x", {**SAMPLE.expected, "pins": ["pandas==2.0.3"], "env": {"B": "2"}, "apt": ["git"], "python": "3.8"}
    )
    assert compare_spec(sample, tmp_path) == [
        "python 3.11, not 3.8",
        "pin pandas==2.0.3",
        "apt git",
        "apt for building build-essential",
        "env B=2, not None",
        "env A=1 too much",
    ]


def test_what_a_report_names_too_little_or_too_much() -> None:
    sample = Sample("x", {"open": ["Dockerfile:1"], "absent": ["canary"]})
    report = {"open": [{"file": "Dockerfile", "line": 2}], "text": "canary", "remarks": []}
    assert compare_report(sample, report) == [
        "not reported: Dockerfile:1",
        "reported: Dockerfile:2",
        "in the spec or the report: canary",
    ]


def test_the_nearest_version_is_of_the_same_series() -> None:
    known = ["2.8.1", "2.10.3", "3.3.1"]
    assert min(known, key=lambda one: measure_distance(one, "2.10.5")) == "2.10.3"
    assert min(known, key=lambda one: measure_distance(one, "3.0.6")) == "3.3.1"
