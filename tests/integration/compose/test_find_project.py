"""Finding a project as Compose itself does, and finding Compose."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from real_files import RUNNER, compose, environment, read, write

from builder.compose.load.config import load_config
from builder.compose.load.discover import discover_project
from builder.compose.load.project import read_project
from builder.core.errors import ComposeError, ComposeMissingError
from builder.engine.compose import ComposeCli, find_compose, guess_compose

STORIES: dict[str, tuple[dict[str, str], str, tuple[str, ...], dict[str, str]]] = {
    "the default name": ({"compose.yaml": "A"}, ".", (), {}),
    "of two default names": ({"docker-compose.yml": "A", "compose.yml": "B"}, ".", (), {}),
    "in a folder above": ({"docker-compose.yaml": "A", "x/y/z": ""}, "x/y", (), {}),
    "with an override file": ({"docker-compose.yml": "A", "docker-compose.override.yml": "B"}, ".", (), {}),
    "an override file of another name": ({"compose.yaml": "A", "docker-compose.override.yaml": "B"}, ".", (), {}),
    "two override files": (
        {"compose.yaml": "A", "compose.override.yaml": "B", "compose.override.yml": "C"},
        ".",
        (),
        {},
    ),
    "named files": ({"a.yml": "A", "sub/b.yml": "B", "compose.yaml": "C"}, ".", ("-f", "a.yml", "-f", "sub/b.yml"), {}),
    "a named file elsewhere": ({"sub/b.yml": "B", "sub/.env": "V=sub", ".env": "V=top"}, ".", ("-f", "sub/b.yml"), {}),
    "COMPOSE_FILE": ({"a.yml": "A", "b.yml": "B"}, ".", (), {"COMPOSE_FILE": "a.yml:b.yml"}),
    "a separator": (
        {"a.yml": "A", "b.yml": "B"},
        ".",
        (),
        {"COMPOSE_FILE": "a.yml,b.yml", "COMPOSE_PATH_SEPARATOR": ","},
    ),
    "options over COMPOSE_FILE": ({"a.yml": "A", "b.yml": "B"}, ".", ("-f", "b.yml"), {"COMPOSE_FILE": "a.yml"}),
    "COMPOSE_FILE in .env": ({"compose.yaml": "A", "b.yml": "B", ".env": "COMPOSE_FILE=b.yml\nV=1"}, ".", (), {}),
    "COMPOSE_FILE in .env, elsewhere": (
        {"sub/b.yml": "B", "sub/.env": "V=sub\nW=sub", ".env": "COMPOSE_FILE=sub/b.yml\nV=top"},
        ".",
        (),
        {},
    ),
    "COMPOSE_FILE in .env above": (
        {"compose.yaml": "A", ".env": "COMPOSE_FILE=b.yml\nV=above", "x/b.yml": "B", "x/.env": "V=x\nW=x"},
        "x",
        (),
        {},
    ),
    "environment over .env": ({"compose.yaml": "A", ".env": "V=file\nW=file"}, ".", (), {"V": "environment"}),
    "an env file": ({"compose.yaml": "A", ".env": "V=1", "e.env": "W=2"}, ".", ("--env-file", "e.env"), {}),
    "COMPOSE_ENV_FILES": ({"compose.yaml": "A", "a": "V=1\nW=1", "b": "W=2"}, ".", (), {"COMPOSE_ENV_FILES": "a,b"}),
    "no .env": ({"compose.yaml": "A", ".env": "V=1"}, ".", (), {"COMPOSE_DISABLE_ENV_FILE": "1"}),
    "a project directory": (
        {"a.yml": "A", "p/.env": "V=p", ".env": "V=top"},
        ".",
        ("--project-directory", "p", "-f", "a.yml"),
        {},
    ),
    "a project directory to look in": ({"p/compose.yaml": "A"}, ".", ("--project-directory", "p"), {}),
    "a name": ({"compose.yaml": "A"}, ".", ("-p", "other"), {"COMPOSE_PROJECT_NAME": "unused"}),
    "COMPOSE_PROJECT_NAME": ({"compose.yaml": "A"}, ".", (), {"COMPOSE_PROJECT_NAME": "named"}),
    "COMPOSE_PROJECT_NAME in .env": ({"compose.yaml": "A", ".env": "COMPOSE_PROJECT_NAME=dot"}, ".", (), {}),
    "profiles that are chosen": ({"compose.yaml": "A"}, ".", (), {"COMPOSE_PROFILES": "one"}),
}
"""Name → files (a letter is a compose file with that service), folder, options, variables."""


@pytest.mark.parametrize("story", STORIES)
def test_it_finds_what_compose_finds(story: str, tmp_path: Path) -> None:
    contents, folder, options, variables = STORIES[story]
    root = tmp_path / "My Proj"
    root.mkdir()
    write(root, {name: one_service(text) for name, text in contents.items()})
    cwd, env = (root / folder), environment(**variables)
    typed = compose(*options, "--profile", "*", cwd=cwd, env=env)

    files = discover_project(**given(options), env=env, cwd=cwd)  # type: ignore[arg-type] # the options of a story
    project = read_project(files, guess_compose(env), RUNNER, env)
    assert project.resolved == typed
    assert project.name == typed["name"]


def one_service(text: str) -> str:
    if text not in {"A", "B", "C"}:
        return text
    image = "image: 'i:${V:-unset}-${W:-unset}'"
    return f"services:\n  {text.lower()}: {{{image}}}\n  both: {{image: {text}, build: ./{text}, profiles: [one]}}\n"


def given(options: tuple[str, ...]) -> dict[str, object]:
    """Our parameters for Compose's options."""
    pairs = list(zip(options[::2], options[1::2], strict=True))
    found: dict[str, object] = {"files": tuple(value for name, value in pairs if name == "-f")}
    found["env_files"] = tuple(value for name, value in pairs if name == "--env-file")
    for name, key in (("--project-directory", "project_directory"), ("-p", "project_name")):
        found[key] = next((value for option, value in pairs if option == name), None)
    return found


def test_the_plugin_is_found() -> None:
    found = find_compose(RUNNER, environment())
    assert found.argv == ("docker", "compose")
    assert re.match(r"\d+\.\d+", found.version)


def test_a_standalone_compose_reads_a_project(tmp_path: Path) -> None:
    """Where `docker` has no plugin, a docker-compose of version 2 does the same."""
    (tmp_path / "bin").mkdir()
    docker = tmp_path / "bin/docker"
    docker.write_text("#!/bin/sh\necho \"docker: 'compose' is not a docker command.\" >&2\nexit 1\n")
    docker.chmod(0o755)
    standalone = shutil.which("docker-compose")
    if standalone is None:
        pytest.skip("this machine has no docker-compose: it is no part of the engine, and not everybody has it")
    write(tmp_path, {"compose.yaml": "services: {a: {image: x}}"})
    env = environment(PATH=f"{docker.parent}:{Path(standalone).parent}")
    project = read_project(discover_project((), env=env, cwd=tmp_path), guess_compose(env), RUNNER, env)
    assert project.resolved is not None
    docker_only = environment(PATH=f"{docker.parent}:{no_compose(tmp_path)}")
    with pytest.raises(ComposeMissingError, match="is not a docker command"):
        read_project(
            discover_project((), env=docker_only, cwd=tmp_path), guess_compose(docker_only), RUNNER, docker_only
        )


def no_compose(folder: Path) -> Path:
    """A folder with the shell, for the script above, and no docker-compose."""
    shell = folder / "shell"
    shell.mkdir()
    (shell / "sh").symlink_to("/bin/sh")
    return shell


def test_a_thousand_services(tmp_path: Path) -> None:
    """At most what the two calls take, and a little."""
    services = "".join(f"  s{number}: {{build: ., command: x {number}}}\n" for number in range(1000))
    write(tmp_path, {"compose.yaml": "services:\n" + services})
    project = read(cwd=tmp_path)
    assert len(project.services) == 1000
    assert len({service.build for service in project.services.values()}) == 1


def test_a_known_compose_is_not_asked_for_its_version(tmp_path: Path) -> None:
    write(tmp_path, {"compose.yaml": "services: {a: {image: [x]}}"})
    files = discover_project((), env=environment(), cwd=tmp_path)
    with pytest.raises(ComposeError):
        load_config(files, ComposeCli(("docker", "compose"), "2.26.1"), RUNNER, environment())
