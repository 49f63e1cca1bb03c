"""What a Dockerfile builds on may be the image of another service of the same project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from project_factories import project, service

from builder.compose.load.dockerfiles import read_dockerfiles
from builder.compose.model import Build
from builder.compose.sharing.groups import group_services

if TYPE_CHECKING:
    from pathlib import Path

    from builder.compose.model import Project
    from builder.dockerfile.facts import DockerfileAnalysis

AIRFLOW = "FROM apache/airflow:2.8.1\n"
APP = "RUN pip install --no-cache-dir pandas==2.0.3\n"


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / name).mkdir()
        (folder / name / "Dockerfile").write_text(text)


def build(folder: Path, name: str, **contexts: str) -> Build:
    return Build(str(folder / name), additional_contexts=tuple(contexts.items()))


def read(made: Project) -> dict[str, DockerfileAnalysis]:
    return dict(read_dockerfiles(made))


@pytest.mark.parametrize(
    ("head", "keys", "contexts"),
    [
        ("FROM flows-base:1", {"image": "flows-base:1"}, {}),
        ("FROM docker.io/library/flows-base:1", {"image": "flows-base:1"}, {}),
        ("ARG V=1\nFROM flows-base:$V AS app", {"image": "flows-base:1"}, {}),
        ("FROM shop-base", {}, {}),
        ("FROM base", {"image": "flows-base:1"}, {"base": "service:base"}),
        ("FROM base", {"image": "flows-base:1"}, {"base": "docker-image://flows-base:1"}),
        ("FROM python:3.11", {"image": "flows-base:1"}, {"python:3.11": "service:base"}),
    ],
)
def test_it_is_followed(tmp_path: Path, head: str, keys: dict[str, Any], contexts: dict[str, str]) -> None:
    write(tmp_path, base=f"{AIRFLOW}ENV A=1\nUSER root\n", app=f"{head}\n{APP}")
    app = build(tmp_path, "app", **contexts)
    made = project(
        service("base", build=build(tmp_path, "base"), **keys),
        *(service(name, build=app, command=(name,)) for name in ("scheduler", "webserver")),
    )
    found = read(made)["webserver"]
    assert (found.airflow, found.airflow_version, found.airflow_series) == (True, "2.8.1", "2.8")
    assert (found.root_base, found.user, found.environment["A"]) == ("apache/airflow:2.8.1", "root", "1")
    assert found.published_base is not None
    assert "OB303" in {one.code for one in found.advice}
    assert [group.airflow for group in group_services(made, read(made)) if len(group.services) == 2] == [True]


def test_a_chain_of_two_and_the_later_word_wins(tmp_path: Path) -> None:
    write(
        tmp_path,
        base=f'{AIRFLOW}USER root\nENV A=1 B=1\nENTRYPOINT ["/base"]\nCMD ["scheduler"]\nHEALTHCHECK CMD x\n',
        middle="FROM base:1\nENV B=2\nUSER astro\n",
        top='FROM middle:1\nRUN pip install apache-airflow==2.9.0\nCMD ["webserver"]\n',
    )
    names = ("base", "middle", "top")
    found = read(project(*(service(one, image=f"{one}:1", build=build(tmp_path, one)) for one in names)))
    assert (found["top"].airflow_version, found["middle"].airflow_version) == ("2.9.0", "2.8.1")
    assert (found["top"].user, found["top"].entrypoint, found["top"].command) == ("astro", ("/base",), ("webserver",))
    assert found["top"].environment == {"A": "1", "B": "2"}
    assert found["top"].has_health_check


def test_an_own_entrypoint_clears_the_command_below(tmp_path: Path) -> None:
    write(tmp_path, base=f'{AIRFLOW}CMD ["scheduler"]\n', app='FROM base:1\nENTRYPOINT ["/x"]\n')
    found = read(
        project(service("a", image="base:1", build=build(tmp_path, "base")), service("b", build=build(tmp_path, "app")))
    )
    assert found["b"].command is None


def list_parents(facts: DockerfileAnalysis) -> list[DockerfileAnalysis]:
    return [] if facts.parent is None else [facts.parent, *list_parents(facts.parent)]


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_circle_ends(tmp_path: Path, length: int) -> None:
    names = [f"s{number}" for number in range(length)]
    write(tmp_path, **{name: f"FROM {names[number - 1]}:1\n" for number, name in enumerate(names)})
    found = read(project(*(service(name, image=f"{name}:1", build=build(tmp_path, name)) for name in names)))
    assert len(found) == length
    assert not any(one.airflow for one in found.values())
    assert max(len(list_parents(one)) for one in found.values()) < length


def test_a_folder_is_not_an_image(tmp_path: Path) -> None:
    write(tmp_path, base=AIRFLOW, app="FROM base\nCOPY --from=shared r.txt /r.txt\nRUN pip install -r /r.txt\n")
    (tmp_path / "base" / "r.txt").write_text("apache-airflow==2.7.3\n")
    contexts = {"base": str(tmp_path / "base"), "shared": str(tmp_path / "base")}
    found = read(project(service("a", build=build(tmp_path, "app", **contexts))))["a"]
    assert found.base is None
    assert [(pin.name, pin.spec) for pin in found.pins] == [("apache-airflow", "==2.7.3")]


def test_what_the_base_notes_down_for_later_runs_here(tmp_path: Path) -> None:
    write(
        tmp_path,
        base="FROM python:3.11\nONBUILD COPY requirements.txt /\nONBUILD RUN pip install -r /requirements.txt\n",
        app="FROM base:1\n",
    )
    (tmp_path / "app" / "requirements.txt").write_text("apache-airflow==2.8.1\n")
    found = read(
        project(
            service("base", image="base:1", build=build(tmp_path, "base")), service("b", build=build(tmp_path, "app"))
        )
    )
    assert (found["b"].airflow, found["b"].airflow_version) == (True, "2.8.1")
    assert not found["base"].airflow
    assert found["b"].advice == (), "its lines are those of another file"


@pytest.mark.parametrize("how", ["ENV PIP_CONSTRAINT=/c.txt", "COPY pip.conf /etc/"])
def test_constraints_that_the_base_has(tmp_path: Path, how: str) -> None:
    write(tmp_path, base=f"{AIRFLOW}COPY c.txt /\n{how}\n", app=f"FROM base:1\n{APP}")
    (tmp_path / "base" / "c.txt").write_text("apache-airflow==2.8.1\n")
    (tmp_path / "base" / "pip.conf").write_text("[global]\nconstraint = /c.txt\n")
    found = read(
        project(
            service("base", image="base:1", build=build(tmp_path, "base")), service("b", build=build(tmp_path, "app"))
        )
    )
    assert "OB303" not in {one.code for one in found["b"].advice}


def test_what_is_noted_down_runs_once(tmp_path: Path) -> None:
    note = "ONBUILD RUN pip install apache-airflow==2.8.1\n"
    write(tmp_path, base=f"FROM python:3.11 AS a\n{note}FROM a\nRUN x\n", app="FROM base:1\n", last="FROM app:1\n")
    names = ("base", "app", "last")
    found = read(project(*(service(one, image=f"{one}:1", build=build(tmp_path, one)) for one in names)))
    assert [len(found[one].pins) for one in names] == [1, 0, 0]
    assert all(one.airflow for one in found.values()), "what the first has, the others have"
