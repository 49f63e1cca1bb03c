"""Findings for GitHub and for SARIF readers: nothing in a finding can add a line, a command or a field."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.core.errors import Where
from builder.core.text_edits import Position, TextEdit, insert_text
from builder.findings.catalog import CATALOG
from builder.findings.explain import read_explanation, split_explanation
from builder.findings.model import Finding
from builder.report.github import format_annotations
from builder.report.sarif import FINGERPRINT, format_sarif

PLAIN = Finding("OB101", Where("docker-compose.yml", 4, "services.web.build"), "web and db build it twice", ("web",))


def test_a_finding_is_one_annotation() -> None:
    assert format_annotations([PLAIN]) == (
        "::warning file=docker-compose.yml,line=4,title=OB101 several services build the same image::"
        "web and db build it twice\n"
    )


def test_severities_are_githubs() -> None:
    given = [Finding(code, Where("a.yml"), "x") for code in ("OB102", "OB101", "OB105")]
    assert [line.split()[0] for line in format_annotations(given).splitlines()] == ["::error", "::warning", "::notice"]


def test_details_and_fix_are_further_lines_of_the_same_annotation() -> None:
    finding = Finding("OB101", Where("a.yml", 1), "m", fix="do\nthis", details=("100 % sure",))
    assert format_annotations([finding]).endswith("::m%0A100 %25 sure%0Afix: do%0Athis\n")


def test_other_products_are_one_notice() -> None:
    """GitHub shows ten of a step; a project may have twenty services beside Airflow."""
    others = [Finding("OB104", Where("a.yml", line), "m", (f"s{line}",)) for line in range(1, 21)]
    lines = format_annotations([*others, PLAIN]).splitlines()
    assert [line.split()[0] for line in lines] == ["::warning", "::notice"]
    assert "s1, s2" in lines[1]


def test_a_file_is_named_as_the_repository_names_it() -> None:
    assert "file=deploy/docker-compose.yml," in format_annotations([PLAIN], lambda name: f"deploy/{name}")
    assert located(PLAIN, lambda name: f"deploy/{name}") == "deploy/docker-compose.yml"


HOSTILE = "x\n::error file=/etc/passwd::gone%0A\r::stop-commands::z\x1b[2J,title=\u2028"


def test_no_finding_makes_a_second_command() -> None:
    shown = format_annotations([Finding("OB101", Where(HOSTILE, 1), HOSTILE, fix=HOSTILE, details=(HOSTILE,))])
    assert len(shown.splitlines()) == 1
    assert "\x1b" not in shown
    (properties,) = re.findall(r"^::warning (.*?)::", shown)
    assert [pair.partition("=")[0] for pair in properties.split(",")] == ["file", "line", "title"]


@given(st.text(), st.text())
def test_any_text_stays_in_its_place(message: str, file: str) -> None:
    shown = format_annotations([Finding("OB101", Where(file, 1), message)])
    assert shown.count("\n") == 1
    assert shown.endswith("\n")
    assert len(shown.splitlines()) == 1
    json.loads(format_sarif([Finding("OB101", Where(file, 1), message)], "1"))


def run_of(*findings: Finding) -> dict[str, Any]:
    (run,) = json.loads(format_sarif(findings, "0.1.0"))["runs"]
    assert isinstance(run, dict)
    return run


def located(finding: Finding, rename: Any = str) -> str:
    document = json.loads(format_sarif([finding], "0.1.0", rename))
    return str(document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])


def test_it_is_sarif() -> None:
    document = json.loads(format_sarif([PLAIN], "0.1.0"))
    assert set(document) == {"$schema", "version", "runs"}
    assert document["version"] == "2.1.0"
    driver = document["runs"][0]["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("optbuild", "0.1.0")


def test_every_rule_of_the_catalog_is_described() -> None:
    rules = run_of()["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(CATALOG)
    for rule in rules:
        assert set(rule) == {"id", "name", "shortDescription", "fullDescription", "help", "defaultConfiguration"}
        assert re.fullmatch(r"[A-Z][A-Za-z0-9]+", rule["name"])
        assert rule["defaultConfiguration"]["level"] in {"note", "warning", "error"}
        assert all(rule[key]["text"].strip() for key in ("shortDescription", "fullDescription", "help"))


def test_the_help_has_the_remedy_and_the_command() -> None:
    """In place of an address, which the project has none of."""
    (rule,) = [one for one in run_of()["tool"]["driver"]["rules"] if one["id"] == "OB401"]
    for text in (rule["help"]["text"], rule["help"]["markdown"]):
        assert "COPY --chown=airflow:0 dags/ /opt/airflow/dags/" in text
        assert "`optbuild plan --explain OB401`" in text
    assert "### What to do\n\n```text\nLet the files come" in rule["help"]["markdown"]
    assert "helpUri" not in rule


@pytest.mark.parametrize("code", CATALOG)
def test_no_part_of_an_explanation_gets_lost(code: str) -> None:
    text = read_explanation(code)
    parts = split_explanation(text)
    assert sorted("\n".join(word for pair in parts.items() for word in pair).split()) == sorted(text.split())


@pytest.mark.parametrize("code", CATALOG)
def test_a_result_points_to_its_rule(code: str) -> None:
    run = run_of(Finding(code, Where("a.yml", 3), "m"))
    (result,) = run["results"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == code
    assert result["level"] == run["tool"]["driver"]["rules"][result["ruleIndex"]]["defaultConfiguration"]["level"]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 3}
    assert result["message"]["text"]


def test_a_place_without_line_or_file_is_no_invalid_one() -> None:
    first, second = run_of(Finding("OB101", Where("a.yml"), "m"), Finding("OB101", Where(""), "m"))["results"]
    assert "region" not in first["locations"][0]["physicalLocation"]
    assert second["locations"] == []


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("a b.yml", "a%20b.yml"),
        ("50%.yml", "50%25.yml"),
        ("c:x.yml", "c%3Ax.yml"),
        ("ü/\udc80.yml", "%C3%BC/%80.yml"),
        ("/srv/a.yml", "file:///srv/a.yml"),
    ],
)
def test_a_name_becomes_a_uri(file: str, uri: str) -> None:
    assert located(Finding("OB101", Where(file, 1), "m")) == uri


def fingerprint(*findings: Finding) -> list[str]:
    return [result["partialFingerprints"][FINGERPRINT] for result in run_of(*findings)["results"]]


def test_a_fingerprint_stays_when_lines_move_or_words_get_better() -> None:
    moved = Finding("OB101", Where("docker-compose.yml", 40, "services.web.build"), "other words", ("web",))
    assert fingerprint(PLAIN) == fingerprint(moved)


def test_fingerprints_tell_findings_apart() -> None:
    others = [
        Finding("OB102", PLAIN.where, "m", ("web",)),
        Finding("OB101", Where("b.yml", 4, "services.web.build"), "m", ("web",)),
        Finding("OB101", Where("docker-compose.yml", 4, "services.db.build"), "m", ("web",)),
        Finding("OB101", PLAIN.where, "m", ("db",)),
        PLAIN,
        PLAIN,
    ]
    found = fingerprint(*others)
    assert len(set(found)) == len(found)


def test_a_fix_for_a_program_is_one_in_sarif() -> None:
    edits = (TextEdit(Position(3, 4), Position(3, 9), "é\n"), insert_text(Position(7, 0), "USER airflow\n"))
    finding = Finding("OB304", Where("a dir/Dockerfile", 3), "ends as root", fix="add USER", edits=edits)
    (result,) = run_of(finding)["results"]
    (fix,) = result["fixes"]
    (change,) = fix["artifactChanges"]
    assert fix["description"] == {"text": "add USER"}
    assert change["artifactLocation"] == result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert [tuple(one["deletedRegion"].values()) for one in change["replacements"]] == [(3, 5, 3, 10), (7, 1, 7, 1)]
    assert [one["insertedContent"]["text"] for one in change["replacements"]] == ["é\n", "USER airflow\n"]


def test_where_a_person_decides_there_is_no_fix_in_sarif() -> None:
    assert "fixes" not in run_of(Finding("OB304", Where("Dockerfile", 3), "ends as root", fix="add USER"))["results"][0]
