"""A line per finding, as editors and grep read it."""

from __future__ import annotations

import pytest

from builder.core.errors import Where
from builder.findings.model import Finding
from builder.report.concise import format_findings_concise


@pytest.mark.parametrize(
    ("where", "place"),
    [(Where("a.yml", 4, "services.web"), "a.yml:4: "), (Where("a b/Dockerfile"), "a b/Dockerfile: "), (Where(""), "")],
)
def test_a_finding_is_one_line(where: Where, place: str) -> None:
    finding = Finding("OB101", where, "web and db build it twice", fix="two\nlines", details=("more",))
    assert format_findings_concise([finding]) == f"{place}OB101 warning web and db build it twice\n"


def test_nothing_found_is_nothing_printed() -> None:
    assert not format_findings_concise([])


def test_the_worst_comes_first_and_other_products_have_one_line() -> None:
    found = [Finding(code, Where("a.yml", 1), code) for code in ("OB104", "OB104", "OB101", "OB102")]
    assert [line.split()[1:3] for line in format_findings_concise(found).splitlines()] == [
        ["OB102", "error"],
        ["OB101", "warning"],
        ["OB104", "info"],
    ]


def test_hostile_words_make_no_second_line() -> None:
    hostile = "x\x1b[2J\ny\u2028z"
    shown = format_findings_concise([Finding("OB101", Where(hostile, 1), hostile)])
    assert len(shown.splitlines()) == 1
    assert "\x1b" not in shown
