"""Every rule of the catalog finds something somewhere: a rule without an input that makes it fire is a failure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from layer_factories import SITE, distribution, file, gone, inspected, layer, recognized, secret
from project_factories import AIRFLOW, FOLDER, build, facts, image, project, seed, service
from rule_inputs import context_of, started

from builder.compose.rules import run_rules
from builder.compose.rules.context import RuleContext
from builder.compose.sharing.groups import group_services
from builder.compose.sharing.options import SharingOptions
from builder.compose.sharing.targets import choose_targets
from builder.dockerfile.analysis import analyze_dockerfile
from builder.dockerfile.facts import InstalledServer
from builder.findings.catalog import CATALOG
from builder.inspect.machine import Machine
from builder.inspect.model import FileKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.compose.model import Project
    from builder.dockerfile.facts import DockerfileAnalysis

MIXED = facts(airflow=True, base="apache/airflow:2.8.1", installed=(InstalledServer("PostgreSQL", "postgresql", 4),))
OLD_COMMAND = replace(facts(airflow=True, base="apache/airflow:2.8.1"), airflow_version="2.8.1")


def look(made: Project, known: Mapping[str, DockerfileAnalysis] | None = None, **more: Any) -> RuleContext:
    """What `plan` shows to the rules."""
    groups = group_services(made, known or {})
    return RuleContext(made, groups, known or {}, choose_targets(made, groups, SharingOptions()), **more)


def written(text: str) -> RuleContext:
    """One service with this Dockerfile."""
    made = project(service("web", build=build()))
    return look(made, {"web": replace(analyze_dockerfile(text, build()), path=FOLDER / "Dockerfile")})


FROM = "FROM apache/airflow:2.8.1\n"
PROJECTS: dict[str, RuleContext] = {
    "OB101": look(seed()),
    "OB102": look(project(service("a", build=build(), image="x"), service("b", build=build("B"), image="x"))),
    "OB103": look(project(service("a", build=build(target="dev")), service("b", build=build(target="prod")))),
    "OB104": look(seed()),
    "OB105": look(project(service("a", image="apache/airflow:2.8.1"), service("b", image="apache/airflow:2.8.1"))),
    "OB106": look(project(service("a", build=build(), image="x", environment=AIRFLOW), service("b", image="x"))),
    "OB107": look(seed(), {"airflow-init": MIXED}),
    "OB201": look(seed(airflow_init={"command": ("db", "init")}), {"airflow-init": OLD_COMMAND}),
    "OB202": look(project(service("db", image="postgres:13"))),
    "OB203": look(project(service("db", image="redis"))),
    "OB204": look(project(service("db", image="postgres:13"))),
    "OB205": look(replace(project(), sources={FOLDER / "compose.yml": b"version: '3'\n"})),
    "OB206": look(
        project(service("web", image="ml")), images={"ml:latest": image("sha256:2")}, promoted={"ml:latest": "sha256:1"}
    ),
    "OB207": look(seed(), dict.fromkeys(("airflow-init", "airflow-scheduler", "airflow-webserver"), OLD_COMMAND)),
    "OB208": context_of(started("a", "api-server", "3.1.3"), started("s", "scheduler", "3.1.3")),
    "OB209": context_of(started("w", "webserver"), started("s", "celery worker")),
    "OB210": context_of(started("s", "scheduler", environment={"_PIP_ADDITIONAL_REQUIREMENTS": "pandas"})),
    "OB211": context_of(started("i", "db migrate"), started("s", "scheduler")),
    "OB212": context_of(started("w", "webserver -D")),
    "OB213": context_of(started("s", "scheduler", health_test=("CMD", "curl", "http://localhost:8080/health"))),
    "OB214": look(replace(project(), resolved=None, complaints=("dependency cycle detected: a -> b -> a",))),
    "OB215": context_of(started("w", "webserver"), started("s", "scheduler")),
    "OB216": context_of(started("s", "scheduler", "3.1.3", environment={"AIRFLOW__CORE__EXECUTOR": "DaskExecutor"})),
    "OB217": context_of(started("s", "scheduler", environment={"AIRFLOW__CORE__EXECUTOR": "CeleryExecutor"})),
    "OB218": context_of(started("s", "scheduler", "3.1.3"), service("db", image="postgres:13")),
    "OB219": context_of(service("db", image="postgres:13", health_test=("CMD-SHELL", "pg_isready || true"))),
    "OB301": written(f"{FROM}USER root\nRUN apt-get update && apt-get install -y gcc\n"),
    "OB302": written(f"{FROM}RUN pip install pandas\n"),
    "OB303": written(f"{FROM}RUN pip install pandas\n"),
    "OB304": written(f"{FROM}USER root\n"),
    "OB305": written(f"{FROM}COPY dags /dags\nRUN chown -R airflow /dags\n"),
    "OB306": written(f"{FROM}USER root\nRUN apt-get update\n"),
    "OB307": written(f"{FROM}COPY .netrc /home/airflow/.netrc\n"),
}
"""Code → a project in which its rule finds something."""

IMAGES: dict[str, list[Any]] = {
    "OB401": [layer(file("/a")), layer(file("/a", uid=1))],
    "OB402": [layer(file("/a", 10)), layer(file("/a", 20))],
    "OB403": [layer(file("/a")), layer(gone("/a"))],
    "OB404": [layer(secret("/app/key")), layer(gone("/app/key"))],
    "OB405": [layer(file("/root/.cache/pip/x"))],
    "OB406": [layer(file("/var/lib/apt/lists/x_Packages"))],
    "OB407": [layer(file("/usr/bin/gcc"))],
    "OB408": [layer(distribution("nvidia-cublas-cu12", file(f"{SITE}/nvidia/cublas/lib/libcublas.so.12", 600)))],
    "OB409": [layer(distribution("pandas", file(f"{SITE}/pandas/tests/test_a.py")))],
    "OB410": [layer(file("/app/a.js.map"))],
    "OB411": [layer(*(file(f"/a/__pycache__/m.cpython-311{form}.pyc") for form in ("", ".opt-1")))],
    "OB412": [layer(file("/a", 80_000, text="x"), file("/b", 80_000, text="x"))],
    "OB413": [layer(file("/usr/lib/liba.so", 1000, symbols=300))],
    "OB414": [layer(distribution("app"), distribution("left", file(f"{SITE}/left.py")))],
    "OB415": [layer(secret("/app/key"))],
    "OB416": [layer(file("/app/.git/HEAD"))],
    "OB417": [layer(("/app/.venv/pyvenv.cfg", b"home = /Users/me/bin"))],
    "OB418": [layer(recognized(file("/core"), FileKind.CORE_DUMP))],
    "OB419": [layer(recognized(file("/app/airflow.db"), FileKind.DATABASE))],
}
"""Code → the layers of an image in which its rule finds something."""


def test_every_rule_of_the_catalog_has_an_input_that_makes_it_fire() -> None:
    assert {*PROJECTS, *IMAGES} == set(CATALOG)


@pytest.mark.parametrize("code", PROJECTS)
def test_a_rule_about_projects_fires(code: str) -> None:
    assert code in {one.code for one in run_rules(PROJECTS[code])}


@pytest.mark.parametrize("code", IMAGES)
def test_a_rule_about_images_fires(code: str) -> None:
    found = inspected(*IMAGES[code], machine=Machine(gpu=False, how="it has none"), asked_for=["app"])
    assert code in {one.code for one in found.waste}
