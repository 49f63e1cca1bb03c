"""One report, three formats."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from builder.cli.formats import FORMATS, load_writer
from builder.image.verify.model import CheckResult, CheckStatus, VerifyReport
from builder.report.verification import (
    format_failures,
    format_verification_json,
    format_verification_junit,
    format_verification_text,
)

PASSED = CheckResult("version", CheckStatus.PASSED, 1.25, "Airflow 2.8.1")
FAILED = CheckResult(
    "webserver",
    CheckStatus.FAILED,
    30.0,
    "port 8080 <says> [bold]nothing[/]",
    "look at the port",
    "line 1\nline \x1b[31m2\x00",
)
NOT_RUN = CheckResult("dag", CheckStatus.NOT_RUN, 0.0, "needs scheduler, which did not pass")
REPORT = VerifyReport("ml:latest", "sha256:0123456789abcdef", "optbuild-postgres:15", (PASSED, FAILED, NOT_RUN), 42.5)
GOOD = replace(REPORT, checks=(PASSED,))


@pytest.mark.parametrize("forced", [{}, {"FORCE_COLOR": "1"}, {"FORCE_COLOR": "1", "TERM": "dumb"}])
def test_text_shows_each_check_with_status_seconds_and_message(
    forced: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CI that forces color has the report without it too: it is a file's text."""
    for name, value in forced.items():
        monkeypatch.setenv(name, value)
    text = format_verification_text(REPORT)
    assert "version" in text
    assert "1.2 " in text
    assert "FAILED" in text
    assert "port 8080 <says> [bold]nothing[/]" in text
    assert "ml:latest (0123456789ab) against optbuild-postgres:15: 1 failed, 1 not run, 1 passed in 42 s" in text
    assert "\x1b" not in text


def test_text_says_when_all_is_well() -> None:
    assert "all 1 checks passed" in format_verification_text(GOOD)
    assert format_failures(GOOD) == ""


def test_failures_bring_hint_and_log_of_the_failed_check_only() -> None:
    text = format_failures(REPORT)
    assert text.startswith("webserver: port 8080")
    assert "next: look at the port" in text
    assert "    line 1\n" in text
    assert "dag" not in text


def test_json_has_stable_keys_and_a_version() -> None:
    document = json.loads(format_verification_json(REPORT))
    assert document["schema_version"] == 1
    assert {"image", "image_id", "database", "passed", "seconds", "checks"} < document.keys()
    assert document["passed"] is False
    assert document["checks"][1] == {
        "name": "webserver",
        "status": "failed",
        "seconds": 30.0,
        "message": FAILED.message,
        "hint": "look at the port",
        "log": FAILED.log,
        "excused": False,
        "warnings": [],
        "notes": [],
    }


def test_a_note_is_in_every_form_and_refuses_nothing() -> None:
    """Where the base does it otherwise, the image is good, and whoever reads the report knows what follows."""
    told = "init ends with exit code 0 although the migration failed [x]"
    noted = replace(PASSED, name="failed-migration", status=CheckStatus.NOTED, notes=(told,))
    report = replace(GOOD, checks=(PASSED, noted))
    assert report.passed
    assert not replace(report, checks=(noted, FAILED)).passed
    text = format_verification_text(report)
    assert f"\nnote: failed-migration: {told}\n" in text
    assert "all 2 checks passed" in text
    assert " 2 passed in" in format_verification_text(replace(report, checks=(PASSED, noted, FAILED)))
    check = json.loads(format_verification_json(report))["checks"][1]
    assert (check["status"], check["notes"]) == ("noted", [told])
    suite = ET.fromstring(format_verification_junit(report))  # noqa: S314 - our own output
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "0")
    assert [case.findtext("system-out") for case in suite] == [None, f"note: {told}"]


def test_warnings_are_in_every_form_and_refuse_nothing() -> None:
    told = "dags/a.py:3: reads the Variable 'x' [a]" + " long" * 40
    report = replace(GOOD, checks=(replace(PASSED, warnings=(told,)),))
    assert report.passed
    assert f"\nwarning: version: {told}\n" in format_verification_text(report)
    assert json.loads(format_verification_json(report))["checks"][0]["warnings"] == [told]
    case = ET.fromstring(format_verification_junit(report)).find("testcase")  # noqa: S314 - our own output
    assert case is not None
    assert case.findtext("system-out") == told


def test_junit_is_xml_whatever_a_log_holds() -> None:
    suite = ET.fromstring(format_verification_junit(REPORT))  # noqa: S314 - our own output
    assert suite.attrib["tests"] == "3"
    assert suite.attrib["failures"] == "1"
    assert suite.attrib["skipped"] == "1"
    cases = {case.attrib["name"]: case for case in suite.iter("testcase")}
    failure = cases["webserver"].find("failure")
    assert failure is not None
    assert failure.attrib["message"] == FAILED.message
    assert "line ?[31m2?" in str(failure.text)
    assert cases["dag"].find("skipped") is not None
    assert list(cases["version"]) == []


def test_a_report_without_checks_is_no_pass() -> None:
    empty = replace(REPORT, checks=())
    assert json.loads(format_verification_json(empty))["passed"] is False
    assert "all 0 checks passed" not in format_verification_text(empty)


@pytest.mark.parametrize("name", sorted(FORMATS["verify"].writers))
def test_every_format_ends_with_one_newline(name: str) -> None:
    text = load_writer("verify", name)(REPORT)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
