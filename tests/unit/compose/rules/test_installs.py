"""OB210: packages that are installed whenever a container starts."""

from __future__ import annotations

from typing import Any

import pytest
from project_factories import build, service
from rule_inputs import context_of, started

from builder.compose.rules.installs import find_installs_at_start
from builder.dockerfile.analysis import analyze_dockerfile

VARIABLE = "_PIP_ADDITIONAL_REQUIREMENTS"


@pytest.mark.parametrize(
    ("command", "way"),
    [
        ("bash -c 'pip install pandas && airflow scheduler'", "pip install"),
        ("bash -c 'pip3 --no-cache-dir install -r /requirements.txt; exec airflow scheduler'", "pip install"),
        ("bash -c 'python -m pip install -e . && python app.py'", "pip install"),
        ("bash -c '/entrypoint bash -c \"pip install x\"'", "pip install"),
        ("bash -c 'uv pip install x; airflow scheduler'", "pip install"),
        ("bash -c 'uv sync --frozen && airflow scheduler'", "uv sync"),
        ("bash -c 'poetry install && python app.py'", "poetry install"),
        ("bash -c 'apt-get update && apt-get install -y git && airflow scheduler'", "apt-get install"),
        ("sh -c 'apk add --no-cache curl && curl x'", "apk add"),
    ],
)
def test_every_way_to_install(command: str, way: str) -> None:
    (found,) = find_installs_at_start(context_of(started("a", command)))
    assert f"a runs `{way}`" in found.message
    assert found.where.key == "services.a.command"


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"image": "apache/airflow:2.8.1"}, "in a Dockerfile that begins with `FROM apache/airflow:2.8.1`"),
        ({"image": "shop:1", "build": build()}, "in the image's Dockerfile"),
        ({"image": "shop:1", "foreign_build": build()}, "in the image's Dockerfile"),
    ],
)
def test_the_fix_names_the_base_where_no_dockerfile_is_there(keys: dict[str, Any], words: str) -> None:
    (found,) = find_installs_at_start(context_of(service("a", command=("pip", "install", "x"), **keys)))
    assert words in (found.fix or "")


@pytest.mark.parametrize(
    "command",
    [
        "scheduler",
        "bash -c 'pip list && pip check && airflow scheduler'",
        "bash -c 'echo pip install pandas'",
        "bash -c 'uv run app.py'",
        "bash -c 'apt-get --version'",
        "python -m app install",
    ],
)
def test_what_installs_nothing(command: str) -> None:
    assert list(find_installs_at_start(context_of(started("a", command)))) == []


@pytest.mark.parametrize(
    ("keys", "count"),
    [
        ({"environment": {VARIABLE: "pandas"}}, 1),
        ({"environment": {VARIABLE: ""}}, 0),
        ({"environment": {VARIABLE: None}}, 0),
        ({"environment": {VARIABLE: "pandas"}, "image": "registry.example/airflow:1"}, 0),
        ({"environment": {VARIABLE: "pandas"}, "entrypoint": ("airflow",)}, 0),
        ({"environment": {VARIABLE: "pandas"}, "entrypoint": ("bash", "-c", "exec /entrypoint airflow version")}, 1),
    ],
)
def test_the_variable_of_the_official_entrypoint(keys: dict[str, Any], count: int) -> None:
    found = list(find_installs_at_start(context_of(started("a", "scheduler", **keys))))
    assert [one.where.key for one in found] == ["services.a.environment"] * count


def test_services_that_do_the_same_have_one_finding_without_a_word_of_their_own() -> None:
    index = "pip install --index-url https://u:hunter2@pypi.example/simple x && airflow"
    services = [started(name, f"bash -c '{index} {name}'") for name in ("scheduler", "webserver")]
    (found,) = find_installs_at_start(context_of(*services))
    assert found.services == ("scheduler", "webserver")
    assert "scheduler and webserver run `pip install`" in found.message
    assert "hunter2" not in repr(found)


def test_what_the_image_installs_in_its_own_command_is_not_in_the_compose_file() -> None:
    made = context_of(
        service("app", build=build()),
        facts={"app": analyze_dockerfile("FROM python:3.12\nCMD pip install x && python app.py", build())},
    )
    assert list(find_installs_at_start(made)) == []
