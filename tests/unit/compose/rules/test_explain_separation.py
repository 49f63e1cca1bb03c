"""The texts behind the codes: one for each, readable in a terminal, and filled in for the project at hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from project_factories import AIRFLOW, FOLDER, build, project, seed, service

from builder.compose.model import Build, Project
from builder.compose.rules.aspects import ASPECTS
from builder.compose.rules.explain_separation import explain_code
from builder.compose.sharing.groups import group_services
from builder.core.errors import ComposeError
from builder.core.resources import list_template_names
from builder.dockerfile.analysis import analyze_dockerfile
from builder.findings.catalog import CATALOG
from builder.findings.explain import CODES, WIDTH

SEED = Path(__file__).parents[3] / "fixtures" / "seed" / "Dockerfile.airflow"


def told(code: str, made: Project) -> str:
    text = replace(analyze_dockerfile(SEED.read_text(), Build("/x")), path=FOLDER / "Dockerfile.airflow")
    facts = {name: text for name, one in made.services.items() if one.build is not None}
    return explain_code(code, made, group_services(made, facts), facts)


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_text_that_fits_a_terminal(code: str) -> None:
    for text in (explain_code(code, None, (), {}), told(code, seed())):
        assert text.endswith("\n")
        assert max(map(len, text.splitlines())) <= WIDTH
        assert "\t" not in text
        assert len(text.splitlines()) > 8


@pytest.mark.parametrize("code", CATALOG)
def test_a_text_begins_with_its_code_and_ends_with_what_to_do(code: str) -> None:
    text = explain_code(code.lower(), None, (), {})
    assert text.startswith(f"{code} {CATALOG[code].name} ({CATALOG[code].severity.word}): {CATALOG[code].title}\n")


def test_no_text_is_left_over() -> None:
    assert {Path(name).stem for name in list_template_names("explain")} == set(CODES)


def test_an_unknown_code_names_the_known_ones() -> None:
    with pytest.raises(ComposeError) as caught:
        explain_code("OB999", None, (), {})
    assert "beliefs" in str(caught.value)
    assert "OB104" in str(caught.value)


def test_ob104_compares_what_is_there_aspect_by_aspect() -> None:
    text = told("OB104", seed())
    assert all(f"\n  {aspect} " in text for aspect in ASPECTS)
    for fact in (
        "airflow-init, airflow-scheduler, airflow-webserver run the",
        "`db migrate`, `scheduler`, `webserver`",
        "apache-airflow 2.8.1",
        "matplotlib",
        "build-essential",
        "PostgreSQL: postgres",
        "postgres:13",
        "What merging them would cost",
        "Data. What PostgreSQL writes",
        "Attack surface",
    ):
        assert fact in text, fact
    assert "$" not in text


def test_ob104_counts_the_schedulers() -> None:
    assert "3 schedulers" in told("OB104", seed(airflow_scheduler={"replicas": 3}))
    assert "A second scheduler" in told("OB104", seed())


def test_ob104_compares_the_database_and_names_the_rest() -> None:
    made = project(
        service("a-cache", image="redis:7"),
        service("web", build=build(), environment=AIRFLOW, command=("webserver",)),
        service("z-db", image="mysql:8"),
    )
    text = told("OB104", made)
    assert "MySQL: z-db" in text
    assert "a-cache (Redis, a message broker and cache, C)" in text


def test_ob104_without_anything_beside_airflow() -> None:
    made = project(service("web", build=build(), environment=AIRFLOW, command=("webserver",)))
    text = told("OB104", made)
    assert "runs nothing beside Airflow" in text
    assert "only service of Airflow" in text


def test_ob104_without_airflow_teaches_with_the_ordinary_project() -> None:
    text = told("OB104", project(service("db", image="postgres:13")))
    assert "airflow-init, airflow-scheduler, airflow-webserver" in text


def test_no_value_of_the_environment_is_told() -> None:
    secret = {**AIRFLOW, "AIRFLOW__CORE__FERNET_KEY": "hunter2"}
    made = seed(airflow_webserver={"environment": secret}, postgres={"environment": {"POSTGRES_PASSWORD": "hunter2"}})
    assert "hunter2" not in told("OB104", made)
    assert "the same 1 AIRFLOW... variables; 1" in told("OB104", made)


def test_no_word_behind_a_subcommand_is_told() -> None:
    made = seed(
        airflow_init={"command": ("version", "hunter2")}, airflow_scheduler={"command": ("scheduler", "hunter2")}
    )
    assert "`version`, `scheduler`" in told("OB104", made)
    assert "hunter2" not in told("OB104", made)


def test_the_lines_of_a_dockerfile_are_named() -> None:
    assert "In this project\n  - Dockerfile.airflow:4: build-essential" in told("OB301", seed())
    assert "In this project" not in told("OB306", seed())


def test_the_groups_at_hand_are_named() -> None:
    assert "In this project\n  - airflow-init, airflow-scheduler, airflow-webserver:" in told("OB101", seed())
    assert "In this project" not in told("OB102", seed())
    one = project(*(replace(made, image="shop") for made in seed().services.values() if made.build is not None))
    assert "In this project" in told("OB102", one)
    assert "In this project" not in told("OB101", one)


def test_the_beliefs_say_what_is_so() -> None:
    text = explain_code("Beliefs", None, (), {})
    for part in ("postgres:13", "It frees nothing", "prune -a", "system prune --volumes", "anonymous"):
        assert part in text
    assert "removes them itself: by ID" in text, "a name may mean another image by then"
