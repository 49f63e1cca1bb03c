"""OB301 to OB307 as findings: once for each line, for all services that build the file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from project_factories import FOLDER, build, project, service

from builder.compose.load.dockerfiles import read_dockerfiles
from builder.compose.model import Build
from builder.compose.rules.advice import find_dockerfile_advice
from builder.compose.rules.context import RuleContext
from builder.core.errors import Where
from builder.dockerfile.analysis import analyze_dockerfile

if TYPE_CHECKING:
    from builder.dockerfile.facts import DockerfileAnalysis

ROOT = "FROM python:3.11\nRUN pip install pandas\n"


def known(text: str, **keys: Any) -> DockerfileAnalysis:
    return replace(analyze_dockerfile(text, Build(str(FOLDER), **keys)), path=FOLDER / "images" / "Dockerfile")


def test_one_finding_for_all_services_of_a_file() -> None:
    made = project(service("a", build=build()), service("b", build=build()))
    found = list(find_dockerfile_advice(RuleContext(made, facts={"a": known(ROOT), "b": known(ROOT)})))
    assert [(one.code, one.where, one.services) for one in found] == [
        ("OB304", Where("images/Dockerfile", 1), ("a", "b")),
        ("OB302", Where("images/Dockerfile", 2), ("a", "b")),
    ]


def test_a_user_in_the_compose_file_is_no_root() -> None:
    made = project(service("a", build=build(), user="50000:0"), service("b", build=build(), user="0:0"))
    found = {
        one.code: one for one in find_dockerfile_advice(RuleContext(made, facts={"a": known(ROOT), "b": known(ROOT)}))
    }
    assert found["OB304"].services == ("b",)
    assert found["OB302"].services == ("a", "b")


def test_an_inline_dockerfile_is_found_in_the_compose_file() -> None:
    made = project(service("a", build=build(dockerfile_inline=ROOT)))
    facts = read_dockerfiles(made)
    found = {one.code: one for one in find_dockerfile_advice(RuleContext(made, facts=facts))}
    assert found["OB302"].where.key == "services.a.build.dockerfile_inline"
    assert "line 2 of the inline Dockerfile" in found["OB302"].message


def test_text_for_an_inline_dockerfile_keeps_its_variables_from_compose() -> None:
    text = "FROM apache/airflow:2.8.1\nRUN pip install --no-cache-dir pandas\n"
    made = project(service("a", build=build(dockerfile_inline=text)))
    (found,) = (
        one for one in find_dockerfile_advice(RuleContext(made, facts=read_dockerfiles(made))) if one.code == "OB303"
    )
    assert "==$${AIRFLOW_VERSION}" in (found.fix or "")


EVERYTHING = """FROM apache/airflow:2.8.1
USER root
RUN apt-get update && apt-get install -y gcc
COPY dags /opt/airflow/dags
RUN chown -R airflow /opt/airflow/dags
RUN pip install pandas
COPY .pgpass /home/airflow/
"""
"""A Dockerfile with each of the mistakes."""


def test_each_finding_has_text_to_paste() -> None:
    made = project(service("a", build=build()))
    fixes = {one.code: one.fix for one in find_dockerfile_advice(RuleContext(made, facts={"a": known(EVERYTHING)}))}
    assert {code: bool(fix) for code, fix in fixes.items()} == dict.fromkeys(
        ("OB301", "OB302", "OB303", "OB304", "OB305", "OB306", "OB307"), True
    )
