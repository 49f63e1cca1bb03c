"""From answers to the project, with a Compose written here."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_compose import CLI, REFUSED, Compose, answer, machine, plain_files

from builder.compose.load.config import ConfigResult, load_config
from builder.compose.load.project import find_unset_variables, make_project, read_project
from builder.compose.model import ProjectFiles


@pytest.fixture
def files(tmp_path: Path) -> ProjectFiles:
    return plain_files(tmp_path)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return machine(tmp_path)


def test_a_project_is_what_the_answers_say(files: ProjectFiles, env: dict[str, str]) -> None:
    compose = Compose(
        resolved=answer(web={"image": "x:1", "build": {"context": "/p"}}, db={"image": "postgres:13"}),
        raw=answer(web={"image": "${I}", "build": {"context": "/p/${C}"}}, db={"image": "postgres:13"}),
    )
    project = read_project(files, CLI, compose, env)
    assert (project.name, list(project.services)) == ("p", ["db", "web"])
    web = project.services["web"]
    assert (web.image, web.raw_image) == ("x:1", "${I}")
    assert web.build is not None
    assert web.raw_build is not None
    assert (web.build.context, web.raw_build.context) == ("/p", "/p/${C}")
    assert project.sources == {files.files[0]: files.files[0].read_bytes()}
    assert web.image_name == "x:1"
    assert web.project == "p"


def test_without_the_filled_in_answer_names_and_builds_are_filled_in_here(
    files: ProjectFiles, env: dict[str, str]
) -> None:
    (files.directory / ".env").write_text("TAG=dot\nC=ctx\n")
    raw = {
        "image": "x:${TAG}-${I:-y}",
        "build": {"context": "/p/${C}", "args": ["A=${TAG}"], "target": "${T:-final}"},
        "command": "echo $$X",
        "environment": {"A": "${TAG}"},
    }
    project = read_project(files, CLI, Compose(resolved=REFUSED, raw=answer(web=raw)), env)
    web = project.services["web"]
    assert web.image == "x:dot-y"
    assert web.build is not None
    assert (web.build.context, web.build.args, web.build.target) == ("/p/ctx", (("A", "dot"),), "final")
    assert web.raw_image == "x:${TAG}-${I:-y}"
    assert web.raw_build is not None
    assert web.raw_build.context == "/p/${C}"
    assert web.environment == {"A": "${TAG}"}
    assert project.complaints == ("services.a.ports is wrong",)


def test_the_name_falls_back_to_the_folder() -> None:
    files = ProjectFiles(Path("/x/folder"), ())
    assert make_project(files, ConfigResult({}, None), {}).name == "folder"
    assert make_project(ProjectFiles(Path("/x/folder"), (), name="n"), ConfigResult(None, {}), {}).name == "n"


def test_an_empty_service_of_the_raw_answer() -> None:
    found = make_project(ProjectFiles(Path("/x"), ()), ConfigResult(None, {"services": {"a": None}}), {}, {})
    assert found.services["a"].image is None


def test_no_secret_is_in_a_repr(files: ProjectFiles, env: dict[str, str]) -> None:
    service = {"image": "x", "environment": {"A": "canary-1"}, "build": {"context": "/", "args": {"B": "canary-2"}}}
    files.files[0].write_text("# canary-3\n")
    compose = Compose(resolved=answer(web=service), raw=answer(web=service))
    project, answers = read_project(files, CLI, compose, env), load_config(files, CLI, compose, env)
    assert "canary" not in f"{project!r} {project} {answers!r} {answers} {project.services!r}"
    assert project.services["web"].environment == {"A": "canary-1"}


@pytest.mark.parametrize(
    ("text", "unset"),
    [
        ("image: x:${TAG}", {"TAG"}),
        ("image: x:$TAG", {"TAG"}),
        ("image: x:${TAG:-1} ${TAG-1} $$TAG ${SET}", set()),
        ("a: $EMPTY", {"EMPTY"}),
        ("", set()),
    ],
)
def test_variables_that_have_no_value_here(text: str, unset: set[str]) -> None:
    found = find_unset_variables({Path("/a"): text.encode()}, {"SET": "1", "EMPTY": ""})
    assert found == unset
