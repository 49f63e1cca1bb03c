"""Findings as a person reads them: each thing once, text to paste as it is, everything else within the width."""

from __future__ import annotations

import pytest

from builder.core.errors import Where
from builder.findings.catalog import CATALOG
from builder.findings.model import Finding, find_worst_severity, merge_other_products
from builder.report.colors import Screen
from builder.report.findings import format_finding_lines

CHECK = "healthcheck:\n  test: x"


def shown(*findings: Finding, width: int = 0) -> list[str]:
    return list(format_finding_lines(findings, Screen(width)))


def test_what_several_places_have_in_common_is_said_once() -> None:
    """Also where another place of the same rule is between them."""
    made = [Finding("OB202", Where("a.yml", line), f"{line} has none", fix=CHECK, details=("d",)) for line in (1, 5)]
    other = Finding("OB202", Where("a.yml", 3), "3 has none", fix="healthcheck:\n  test: y")
    assert shown(*made, other) == [
        "",
        "info OB202: a service without health check",
        "  a.yml:1: 1 has none",
        "  a.yml:5: 5 has none",
        "    - d",
        "    fix:",
        "      healthcheck:",
        "        test: x",
        "  a.yml:3: 3 has none",
        "    fix:",
        "      healthcheck:",
        "        test: y",
    ]


@pytest.mark.parametrize(
    "fix",
    [
        "`optbuild optimize`: all 3 start from one image, which init alone builds and which the others only start",
        "write the version that you run, as image:VERSION, or its digest, which the engine shows to whoever asks",
        "none of their instructions differ: if the differences above are not meant, write both builds the same",
        "left alone: the file has an alias that cannot be followed here, and so nobody can say what would be changed",
    ],
)
def test_advice_in_words_is_wrapped(fix: str) -> None:
    lines = shown(Finding("OB101", Where("a.yml", 1), "m", fix=fix), width=60)
    assert max(map(len, lines)) <= 60
    assert " ".join(" ".join(lines).split()).endswith(f"fix: {fix}")


@pytest.mark.parametrize(
    "fix",
    [
        "RUN apt-get update && apt-get install -y --no-install-recommends gcc && rm -rf /var/lib/apt/lists/*",
        "command: airflow db migrate && airflow users create --role Admin --username admin --email a@example.org",
        "optbuild build --verify --no-cache --builder another --progress plain   # proves an image",
        "docker image inspect --format '{{index .RepoDigests 0}}' registry.example/a/long/name/of/an/image:latest",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN: postgresql+psycopg2://USER:PASSWORD@HOST/DATABASE  # everywhere, please",
        "FROM registry.example/a/long/name/of/an/image:1.2.3@sha256:0123456789012345678901234567890123456789 AS web",
    ],
)
def test_text_to_paste_stays_on_its_line(fix: str) -> None:
    assert shown(Finding("OB301", Where("Dockerfile", 1), "m", fix=fix), width=60)[-1] == f"    fix: {fix}"


def test_a_long_title_is_wrapped_and_colored_once() -> None:
    lines = list(format_finding_lines([Finding("OB201", Where("a.yml"), "m")], Screen(40, color=True)))
    assert lines[1] == "\x1b[33mwarning\x1b[0m OB201: a start command that does"
    assert lines[2] == "    not fit this Airflow version"


def product(name: str, line: int) -> Finding:
    return Finding("OB104", Where("a.yml", line), f"{name} is another program", (name,))


def test_one_other_product_keeps_its_reason() -> None:
    assert merge_other_products([product("db", 1)]) == [product("db", 1)]


def test_other_products_are_merged_where_the_first_stands() -> None:
    build, shared = Finding("OB101", Where("a.yml", 9), "m"), Finding("OB105", Where("a.yml", 2), "s")
    found = merge_other_products([product("b", 7), shared, product("a", 3), build, product("c", 8)])
    assert [one.code for one in found] == ["OB101", "OB104", "OB105"]
    assert found[1].services == ("a", "b", "c")
    assert found[1].where == Where("a.yml", 3)
    assert "a, b and c are other programs than Airflow; `optbuild plan --explain OB104`" in found[1].message


def test_what_is_right_as_it_is_is_never_the_worst() -> None:
    remarks = {code for code, rule in CATALOG.items() if rule.is_remark}
    assert remarks == {"OB104", "OB105"}
    made = {code: Finding(code, Where("a.yml"), "m") for code in CATALOG}
    assert find_worst_severity(tuple(made[code] for code in remarks)) is None
    for code in set(CATALOG) - remarks:
        assert find_worst_severity((made[code], made["OB104"])) is CATALOG[code].severity
