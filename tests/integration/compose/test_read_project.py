"""Reading a compose project with the real Compose: what is found, what it answers, and what it would answer."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from builder.compose.discover import discover
from builder.compose.oracle import Answers, ask
from builder.compose.read import read_project
from builder.engine.compose import ComposeCli, find_compose, likely_compose
from builder.errors import ComposeError, ComposeMissingError
from builder.process import Command, LocalRunner

if TYPE_CHECKING:
    from builder.compose.model import Project, ProjectFiles

CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "compose"
CORPUS_FILES = sorted(CORPUS.glob("*.yml"))
RUNNER = LocalRunner()

UNRESOLVED = {"06": "env file", "22": "env file", "28": "env file", "30": "env file", "08": "undefined network"}
"""The files that Compose refuses as they lie there, and what it says."""
NOT_RAW = {"24": "too many colons"}
"""Refused with --no-interpolate."""
SHARERS = {
    "02": 8,
    "05": 3,
    "06": 5,
    "07": 5,
    "08": 6,
    "13": 3,
    "17": 7,
    "22": 2,
    "24": 7,
    "26": 3,
    "28": 2,
    "30": 2,
    "42": 3,
}
"""How many services share the largest build, by hand (README.md of the corpus)."""


def environment(**more: str) -> dict[str, str]:
    """Ours, without what would choose another project."""
    return {**{key: value for key, value in os.environ.items() if not key.startswith("COMPOSE_")}, **more}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def read(*files: str, cwd: Path, env: dict[str, str] | None = None) -> Project:
    env = environment() if env is None else env
    return read_project(discover(files, env=env, cwd=cwd), likely_compose(env), RUNNER, env)


def questioned(files: ProjectFiles, overlay: dict[Path, bytes] | None = None, **more: str) -> Answers:
    env = environment(**more)
    return ask(files, likely_compose(env), RUNNER, env, overlay=overlay)


def compose(*words: str, cwd: Path, env: dict[str, str] | None = None) -> dict[str, Any]:
    """What a person gets who types `docker compose WORDS config` in that folder."""
    argv = ("docker", "compose", *words, "config", "--format", "json")
    env = {**(environment() if env is None else env), "PWD": str(cwd)}  # as a shell does that went there
    done = RUNNER.run(Command(argv, cwd=cwd, env=env))
    assert done.ok, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


# --- the corpus


def corpus() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("file", CORPUS_FILES, ids=lambda file: file.name[:2])


pytestmark = pytest.mark.filterwarnings("error")


def test_the_corpus_is_there() -> None:
    if not CORPUS_FILES:
        pytest.skip(f"no corpus at {CORPUS}")
    assert len(CORPUS_FILES) == 16


def largest_group(project: Project) -> int:
    builds = [service.build for service in project.services.values() if service.build]
    return max((builds.count(build) for build in builds), default=0)


@corpus()
def test_a_real_file_as_it_lies_there(file: Path) -> None:
    project = read(str(file), cwd=file.parent)
    number = file.name[:2]
    assert (project.resolved is None) == (number in UNRESOLVED)
    assert (project.raw is None) == (number in NOT_RAW)
    for expected, said in zip([{**UNRESOLVED, **NOT_RAW}.get(number)], project.complaints, strict=False):
        assert expected is not None
        assert expected in said
    assert bool(project.complaints) == (number in UNRESOLVED or number in NOT_RAW)
    if number in SHARERS:
        assert largest_group(project) == SHARERS[number]
    assert project.sources == {file: file.read_bytes()}


@corpus()
def test_a_real_file_with_all_that_it_needs(file: Path, tmp_path: Path) -> None:
    here = tmp_path / "proj" / "docker-compose.yml"
    here.parent.mkdir()
    shutil.copyfile(file, here)
    with_env_files(here)
    project = read(cwd=here.parent)
    number = file.name[:2]
    assert (project.resolved is None) == (number == "08")
    if number in SHARERS:
        assert largest_group(project) == SHARERS[number]
    if project.resolved is not None:
        typed = compose("--profile", "*", cwd=here.parent)
        assert dict(project.resolved) == typed
        assert list(project.services) == sorted(typed["services"])


def with_env_files(compose_file: Path) -> None:
    """Make the env files that a project names, empty."""
    for _ in range(10):
        try:
            complaints = read(cwd=compose_file.parent).complaints
        except ComposeError as error:
            complaints = (str(error),)
        missing = re.search(r"env file (\S+) not found", "\n".join(complaints))
        if missing is None:
            return
        Path(missing[1]).parent.mkdir(parents=True, exist_ok=True)
        Path(missing[1]).write_text("")


@corpus()
def test_what_it_reads_does_not_depend_on_the_way_it_was_asked(file: Path, tmp_path: Path) -> None:
    """A mirror in which the file has its own bytes answers the same as the real folder."""
    here = tmp_path / "docker-compose.yml"
    shutil.copyfile(file, here)
    files = discover((), env=environment(), cwd=tmp_path)
    plain, mirrored = questioned(files), questioned(files, {here: here.read_bytes()})
    assert (plain.resolved, plain.raw) == (mirrored.resolved, mirrored.raw)
    assert [one_of_many(said) for said in plain.complaints] == [one_of_many(said) for said in mirrored.complaints]


def one_of_many(said: str) -> str:
    """Compose goes through a map in no order, and names the first bad service that it comes to."""
    return re.sub(r'service "[^"]*"', "a service", said)


# --- finding a project as Compose does

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

    files = discover(**given(options), env=env, cwd=cwd)  # type: ignore[arg-type]
    project = read_project(files, likely_compose(env), RUNNER, env)
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


# --- files that name others

MAIN = """\
include:
  - inc/compose.yaml
  - path: [./two/main.yml, ./two/over.yml]
    project_directory: ./two
    env_file: ./two/their.env
services:
  web:
    extends: {file: base/common.yml, service: web}
    build: .
    volumes: ["./web:/web"]
  init:
    extends: web
    command: airflow db migrate
  hidden:
    image: postgres:13
    profiles: [never]
    develop: {watch: [{path: ./src, action: sync, target: /x}]}
    configs: [c]
configs: {c: {file: ./c.txt}}
"""
TREE = {
    "proj/docker-compose.yml": MAIN,
    "proj/docker-compose.override.yml": "services:\n  web:\n    image: over:${TAG:-none}\n",
    "proj/.env": "TAG=from-env",
    "proj/src/x": "",
    "proj/inc/compose.yaml": (
        "include: [deeper/more.yml, ../../shared/up.yml]\n"
        "services:\n  inner: {image: 'inner:${INC}', build: ./ctx, env_file: i.env, volumes: ['./data:/data']}\n"
    ),
    "proj/inc/.env": "INC=from-inc",
    "proj/inc/i.env": "SECRET=canary-1",
    "proj/inc/deeper/more.yml": "services:\n  deep: {build: ., image: 'deep:${INC:-not-seen}'}\n",
    "proj/two/main.yml": "services:\n  two: {image: 'two:${THEIRS}', volumes: ['./d:/d']}\n",
    "proj/two/over.yml": "services:\n  two: {build: {context: ./c}}\n",
    "proj/two/their.env": "THEIRS=theirs",
    "proj/base/common.yml": (
        "services:\n  web:\n    extends: {file: ../../shared/root.yml, service: root}\n"
        "    volumes: ['./logs:/logs']\n    environment: {PASSWORD: canary-2}\n"
    ),
    "shared/root.yml": "services:\n  root:\n    build: {context: ./img, target: final}\n    env_file: [r.env]\n",
    "shared/r.env": "TOKEN=canary-3",
    "shared/up.yml": "services:\n  up: {image: up, build: ./up}\n",
}
SOURCES = {name for name in TREE if name.endswith((".yml", ".yaml"))}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write(tmp_path, TREE)
    return tmp_path


def test_every_file_is_a_source(tree: Path) -> None:
    project = read(cwd=tree / "proj")
    assert {str(path.relative_to(tree)) for path in project.sources} == SOURCES
    assert all(path.read_bytes() == data for path, data in project.sources.items())
    assert list(project.services) == ["deep", "hidden", "init", "inner", "two", "up", "web"]
    web, inner = project.services["web"], project.services["inner"]
    assert web.build is not None
    assert (web.build.context, web.build.target, web.image) == (str(tree / "proj"), "final", "over:from-env")
    assert (inner.image, web.raw_image) == ("inner:from-inc", "over:${TAG:-none}")
    assert {mount.source for mount in web.mounts} == {str(tree / "proj/web"), str(tree / "proj/base/logs")}


def test_paths_with_variables_are_followed(tree: Path) -> None:
    """Compose itself follows them only when it fills them in."""
    main, inner = tree / "proj/docker-compose.yml", tree / "proj/inc/compose.yaml"
    main.write_text(main.read_text().replace("base/common.yml", "'${BASE:-base}/common.yml'"))
    inner.write_text(inner.read_text().replace("deeper/more.yml", "'${DEEP}/more.yml'"))
    (tree / "proj/inc/.env").write_text("DEEP=not-seen-by-the-path\n")
    (tree / "proj/.env").write_text("DEEP=deeper\n")
    project = read(cwd=tree / "proj")
    assert {str(path.relative_to(tree)) for path in project.sources} == SOURCES
    assert project.resolved is not None
    assert project.raw is None
    assert "no such file" in project.complaints[0]


def test_no_secret_is_shown(tree: Path) -> None:
    project = read(cwd=tree / "proj")
    assert "canary" in json.dumps(project.resolved)
    answers = questioned(project.files)
    shown = f"{project!r} {project} {answers!r} {list(project.services.values())!r}"
    assert "canary" not in shown


CHANGES: dict[str, dict[str, tuple[str, str]]] = {
    "the main file": {"proj/docker-compose.yml": ("build: .", "image: x\n    pull_policy: never")},
    "the override file": {"proj/docker-compose.override.yml": ("over:", "else:")},
    "an included file": {"proj/inc/compose.yaml": ("build: ./ctx", "build: ./other")},
    "a file included by that": {"proj/inc/deeper/more.yml": ("build: .", "command: d")},
    "one outside of the project": {"shared/up.yml": ("image: up", "image: shared")},
    "the override of an included file": {"proj/two/over.yml": ("./c", "./changed")},
    "an extended file": {"proj/base/common.yml": ("./logs", "./changed")},
    "a file extended by that": {"shared/root.yml": ("target: final", "target: first")},
    "the target of extends": {"proj/base/common.yml": ("root.yml", "other.yml"), "shared/other.yml": ("", "")},
    "all of them": {
        "proj/docker-compose.yml": ("db migrate", "db init"),
        "proj/docker-compose.override.yml": ("over:", "else:"),
        "proj/inc/compose.yaml": ("inner:", "outer:"),
        "shared/root.yml": ("final", "first"),
        "shared/up.yml": ("./up", "./down"),
    },
}
NEW = "services:\n  root: {image: new, volumes: ['./here:/here']}\n"


@pytest.mark.parametrize("change", CHANGES)
def test_an_overlay_answers_what_writing_would(change: str, tree: Path) -> None:
    overlay = {}
    for name, (old, new) in CHANGES[change].items():
        path = tree / name
        text = path.read_text().replace(old, new) if path.exists() else NEW
        assert not path.exists() or text != path.read_text()
        overlay[path] = text.encode()
    files = discover((), env=environment(), cwd=tree / "proj")
    before = snapshot(tree)
    unchanged = questioned(files)
    promised = questioned(files, overlay)
    assert snapshot(tree) == before, "something was written beside the files"

    for path, data in overlay.items():
        path.write_bytes(data)
    written = questioned(files)
    assert promised.resolved == written.resolved != unchanged.resolved
    assert promised.raw == written.raw
    assert promised.complaints == written.complaints


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path): (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
    }


def test_an_overlay_of_a_file_behind_symbolic_links(tree: Path) -> None:
    """The project is reached by a linked folder, and its file is a link too."""
    (tree / "proj/docker-compose.yml").rename(tree / "shared/real.yml")
    (tree / "proj/docker-compose.yml").symlink_to("../shared/real.yml")
    (tree / "elsewhere").mkdir()
    (tree / "elsewhere/link").symlink_to(tree / "proj")
    (tree / "elsewhere/shared").symlink_to("../shared")
    files = discover((), env=environment(), cwd=tree / "elsewhere/link")
    main = tree / "elsewhere/link/docker-compose.yml"
    assert files.files[0] == main
    changed = main.read_bytes().replace(b"build: .", b"image: x")
    promised = questioned(files, {main: changed})
    main.write_bytes(changed)
    assert promised == questioned(files)


def test_an_overlay_that_breaks_the_file_names_the_real_one(tree: Path) -> None:
    files = discover((), env=environment(), cwd=tree / "proj")
    path = tree / "proj/docker-compose.yml"
    with pytest.raises(ComposeError) as caught:
        questioned(files, {path: path.read_bytes() + b"  broken: [\n"})
    assert caught.value.where is not None
    assert caught.value.where.file == str(path)
    assert "mirror" not in str(caught.value)
    with pytest.raises(ComposeError, match="Additional property foo") as caught:
        questioned(files, {path: path.read_bytes().replace(b"build: .", b"foo: .")})
    assert caught.value.where is not None
    assert caught.value.where.file == str(path)
    assert caught.value.where.key in {"services.web", "services.init"}  # which of them extends the other


def test_a_file_named_by_its_absolute_path_cannot_be_overlaid(tree: Path) -> None:
    main, base = tree / "proj/docker-compose.yml", tree / "proj/base/common.yml"
    main.write_text(main.read_text().replace("base/common.yml", str(base)))
    files = discover((), env=environment(), cwd=tree / "proj")
    assert read(cwd=tree / "proj").sources[base] == base.read_bytes()
    with pytest.raises(ComposeError, match="absolute path") as caught:
        questioned(files, {base: base.read_bytes() + b"\n"})
    assert caught.value.where is not None
    assert caught.value.where.file == str(base)
    changed = main.read_bytes().replace(b"build: .", b"image: x")  # the main file is reached as ever
    promised = questioned(files, {main: changed})
    main.write_bytes(changed)
    assert promised == questioned(files)


# --- refusals

REFUSED = {
    "broken YAML": ("services:\n  a:\n    image: x\n   b: [\n", 4, None, "yaml"),
    "a key twice": ("services:\n  a:\n    image: x\n    image: y\n", 4, None, "already defined"),
    "an unknown key": ("services:\n  a:\n    image: x\n    foo: canary\n", None, "services.a", "foo is not allowed"),
    "a tab": ("services:\n\ta: {image: x}\n", 2, None, "cannot start any token"),
    "no mapping": ("hello\n", 1, None, "cannot unmarshal"),
    "nothing": ("", None, None, "empty compose file"),
    "a missing extended file": ("services:\n  a: {extends: {file: no.yml, service: b}}\n", None, None, "no such file"),
    "a missing included file": ("include: [no.yml]\nservices:\n  a: {image: x}\n", None, None, "no such file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_compose_refuses_is_said_in_its_words(case: str, tmp_path: Path) -> None:
    text, line, key, said = REFUSED[case]
    write(tmp_path, {"compose.yaml": text})
    with pytest.raises(ComposeError, match=said) as caught:
        read(cwd=tmp_path)
    where = caught.value.where
    assert where is not None
    assert (where.file, where.line, where.key) == (str(tmp_path / "compose.yaml"), line, key)
    assert "canary" not in str(caught.value)
    assert caught.value.hint


LEAKS = {
    "an env file": {"compose.yaml": "services: {a: {image: x}}", ".env": 'A="canary-1\n'},
    "a size": {"compose.yaml": "services: {a: {image: x, mem_limit: canary-1}}"},
    "a duration": {"compose.yaml": "services: {a: {image: x, healthcheck: {test: x, interval: canary-1}}}"},
    "a number": {"compose.yaml": "services: {a: {image: x, cpus: canary-1}}"},
    "a variable": {
        "compose.yaml": "services: {a: {image: x, ports: ['${PASSWORD}:b:c:d']}}",
        ".env": "PASSWORD=canary-1",
    },
    "an interpolation": {"compose.yaml": "services: {a: {image: x, environment: {A: 'canary-1${'}}}"},
}


@pytest.mark.parametrize("case", LEAKS)
def test_no_secret_leaves_in_a_refusal(case: str, tmp_path: Path) -> None:
    write(tmp_path, LEAKS[case])
    try:
        project = read(cwd=tmp_path)
    except ComposeError as error:
        said = f"{error} {error!r}"
    else:
        assert project.complaints
        said = f"{project!r} {project.complaints}"
    assert "canary" not in said


def test_a_missing_required_variable_is_told(tmp_path: Path) -> None:
    write(tmp_path, {"compose.yaml": "services: {a: {image: '${IMG:?name the image}', build: .}}"})
    project = read(cwd=tmp_path)
    assert project.resolved is None
    assert project.complaints == (
        "error while interpolating services.a.image: required variable IMG is missing a value: name the image",
    )
    assert project.services["a"].raw_image == "${IMG:?name the image}"


# --- Compose itself


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
        pytest.skip("this machine has no docker-compose")
    write(tmp_path, {"compose.yaml": "services: {a: {image: x}}"})
    env = environment(PATH=f"{docker.parent}:{Path(standalone).parent}")
    project = read_project(discover((), env=env, cwd=tmp_path), likely_compose(env), RUNNER, env)
    assert project.resolved is not None
    docker_only = environment(PATH=f"{docker.parent}:{no_compose(tmp_path)}")
    with pytest.raises(ComposeMissingError, match="is not a docker command"):
        read_project(discover((), env=docker_only, cwd=tmp_path), likely_compose(docker_only), RUNNER, docker_only)


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
    files = discover((), env=environment(), cwd=tmp_path)
    with pytest.raises(ComposeError):
        ask(files, ComposeCli(("docker", "compose"), "2.26.1"), RUNNER, environment())
