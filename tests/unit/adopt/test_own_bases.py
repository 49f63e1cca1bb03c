"""`optbuild init` where one Dockerfile of a project makes the image that another one begins with."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BASE = """\
ARG AIRFLOW=2.8.1
FROM apache/airflow:${AIRFLOW}-python3.11
USER root
RUN apt-get update && apt-get install -y jq
USER airflow
ENV TEAM=data
COPY plugins/ plugins/
CMD ["webserver"]
HEALTHCHECK CMD true
"""
ABOVE = """\
FROM company/base:1
ENV STAGE=${TEAM}-etl
RUN pip install duckdb==0.9.2
COPY dags/ dags/
HEALTHCHECK NONE
"""
FILES = {
    "base/Dockerfile": BASE,
    "base/plugins/menu.py": "",
    "apps/etl/Dockerfile": ABOVE,
    "apps/etl/dags/a.py": "",
}
COMPOSE = """\
services:
  base: {build: {context: base, args: {AIRFLOW: 2.8.3}}, image: "company/base:1"}
  scheduler: {build: apps/etl, command: scheduler}
"""
COMPOSE_CONTEXT = """\
services:
  common: {build: {context: base, args: {AIRFLOW: 2.8.3}}}
  scheduler: {build: {context: apps/etl, additional_contexts: {"company/base:1": "service:common"}}, command: scheduler}
"""
BAKE = """\
# what CI builds
variable "VERSION" { default = "1" }
target "base" {
  context = "base"
  args = { AIRFLOW = "2.8.3" }
  tags = ["docker.io/company/base:${VERSION}", "registry.example/base:${UNKNOWN}"]
}
"""
BAKE_JSON = {
    "target": {
        "_common": {"args": {"AIRFLOW": "2.8.3"}},
        "base": {"context": "base", "inherits": ["_common"], "tags": ["company/base:1"]},
    }
}
MAKEFILE = """\
NAME := company/base
TAG ?= 1
base:
\t@docker build --build-arg AIRFLOW=2.8.3 \\
\t  -t $(NAME):$(TAG) base
"""
SCRIPT = """\
#!/bin/bash
set -eu
TAG=1
cd base
docker buildx build --platform linux/amd64 --load --build-arg AIRFLOW=2.8.3 --tag="company/base:${TAG}" .
"""
NAMED_BY = {
    "compose": ({"docker-compose.yml": COMPOSE}, "docker-compose.yml:2"),
    "a context of compose": ({"docker-compose.yml": COMPOSE_CONTEXT}, "docker-compose.yml:2"),
    "bake": ({"docker-bake.hcl": BAKE}, "docker-bake.hcl:3"),
    "bake, JSON": ({"docker-bake.json": json.dumps(BAKE_JSON)}, "docker-bake.json: target.base"),
    "make": ({"Makefile": MAKEFILE}, "Makefile:4"),
    "a script": ({"scripts/build.sh": SCRIPT}, "scripts/build.sh:5"),
}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def adopt(init: Callable[..., tuple[int, str, str]], *words: str) -> dict[str, Any]:
    code, out, err = init("--format=json", *words)
    assert code == 0, err
    report: dict[str, Any] = json.loads(out)
    return report


@pytest.mark.parametrize(("files", "place"), NAMED_BY.values(), ids=NAMED_BY)
def test_both_are_carried_over(
    init: Callable[..., tuple[int, str, str]], project: Path, files: dict[str, str], place: str
) -> None:
    write(project, FILES | files)
    report = adopt(init)
    spec = tomllib.loads(report["text"])
    assert spec["base"] == {"airflow": "apache/airflow:2.8.3-python3.11"}
    assert spec["image"]["env"] == {"TEAM": "data", "STAGE": "data-etl"}
    assert spec["python"]["requirements"] == ["duckdb==0.9.2"]
    assert spec["apt"]["runtime"] == ["jq"]
    assert spec["files"] == {"base/plugins": "/opt/airflow/plugins", "apps/etl/dags": "/opt/airflow/dags"}
    for line in ('"jq",  # base/Dockerfile:4', 'STAGE = "data-etl"  # apps/etl/Dockerfile:2'):
        assert line in report["text"]
    assert [(one["file"], one["line"]) for one in report["open"]] == [
        ("apps/etl/Dockerfile", 5),  # of HEALTHCHECK the last one counts
        ("base/Dockerfile", 8),
    ]
    (remark,) = [one for one in report["remarks"] if "company/base:1" in one["text"]]
    shown = remark["file"] if remark["line"] is None else f"{remark['file']}:{remark['line']}"
    assert place.startswith(shown)


def test_where_nothing_names_it_the_way_on_is_said(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    above = ABOVE.replace("company/base:1", "company/airflow-base:1")
    write(project, FILES | {"apps/etl/Dockerfile": above})
    assert "apps/etl/Dockerfile" in init()[2]
    given = ("--dockerfile", "apps/etl/Dockerfile", "--airflow-version", "2.8.1", "--python", "3.11")
    report = adopt(init, *given)
    assert tomllib.loads(report["text"])["base"] == {"image": "company/airflow-base:1"}
    (point,) = [one for one in report["open"] if one["line"] == 1]
    assert "base/Dockerfile makes one of Airflow" in point["reason"]
    assert "docker build --tag company/airflow-base:1" in point["next"]


def test_two_places_that_contradict_each_other_settle_nothing(
    init: Callable[..., tuple[int, str, str]], project: Path
) -> None:
    script = "docker build -t company/base:1 apps/etl\n"
    write(project, FILES | {"docker-compose.yml": COMPOSE.replace("scheduler:", "web:"), "build.sh": script})
    code, _, err = init("--dockerfile", "apps/etl/Dockerfile")
    assert code == 2
    assert "company/base:1" in err


def test_a_circle_ends(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    script = "docker build -t a/airflow-one one\ndocker build -t a/airflow-two two\n"
    write(
        project,
        {"build.sh": script, "one/Dockerfile": "FROM a/airflow-two\n", "two/Dockerfile": "FROM a/airflow-one\n"},
    )
    code, _, err = init("--dockerfile", "one/Dockerfile")
    assert (code, "--airflow-version" in err) == (2, True)


def test_an_image_that_is_named_like_its_base_is_not_its_own_base(
    init: Callable[..., tuple[int, str, str]], project: Path
) -> None:
    """As in the official compose file, where people add `build: .`."""
    recipe = "FROM apache/airflow:2.8.1-python3.11\nRUN pip install duckdb==0.9.2\n"
    compose = "services:\n  scheduler: {build: ., image: 'apache/airflow:2.8.1-python3.11', command: scheduler}\n"
    write(project, {"Dockerfile": recipe, "docker-compose.yml": compose})
    report = adopt(init)
    assert report["text"].count("duckdb") == 1
    assert not [one for one in report["remarks"] if "carried over too" in one["text"]]


def test_a_base_that_is_started_too_stays_a_question(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    write(project, FILES | {"docker-compose.yml": COMPOSE.replace("  base:", "  airflow-triggerer:")})
    code, _, err = init()
    assert (code, "base/Dockerfile" in err, "apps/etl/Dockerfile" in err) == (2, True, True)
