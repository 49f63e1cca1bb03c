"""Other ways to read the files of an edit: Compose accepts after it what it accepted before. No engine is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from real_files import RUNNER, compose, environment, write

from builder.core.process import Command, ProcessResult

if TYPE_CHECKING:
    from pathlib import Path

MAIN = """\
x-airflow: &airflow
  build: .
services:
  airflow-init:
    <<: *airflow
    command: db migrate
  airflow-scheduler:
    <<: *airflow
    command: scheduler
    depends_on: [airflow-init]
"""
REGISTRY = "registry.example/team/airflow:1"
WATCHED = """\
services:
  init: {build: ., command: db migrate}
  web: {build: ., command: webserver, depends_on: [init]}
  scheduler:
    build: .
    command: scheduler
    depends_on: [init]
    develop: {watch: [{action: rebuild, path: Dockerfile}]}
"""
STACK = """\
services:
  scheduler: {image: "flows:1", build: ., command: scheduler, deploy: {replicas: 1}}
  webserver:
    image: flows:1
    build: .
    command: webserver
    depends_on: [scheduler]
    deploy: {placement: {constraints: [node.labels.web == true]}}
"""
CONTEXT = """\
services:
  init: {build: ., command: db migrate}
  scheduler: {build: ., command: scheduler, depends_on: [init]}
  docs:
    build: {context: ./docs, additional_contexts: {airflow: "service:scheduler"}}
"""


def both(value: str) -> str:
    return f"services:\n  airflow-init: {{{value}}}\n  airflow-scheduler: {{{value}}}\n"


def optbuild(folder: Path, *words: str) -> ProcessResult:
    code = "from builder.cli.main import main; main()"
    homes = {name: str(folder.parent / name) for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME")}
    env = environment(DOCKER_HOST="unix:///nonexistent", **homes)
    return RUNNER.run(Command((sys.executable, "-c", code, *words), cwd=folder, env=env, timeout=120))


@dataclass(frozen=True)
class Case:
    """``named``: the words of `optimize`; ``read``: those of each way that is valid before."""

    files: dict[str, str]
    read: tuple[str, ...]
    named: str = ""
    main: str = MAIN
    warned: str = ""
    fetched: dict[str, str] = field(default_factory=dict)
    """A way to read the files -> the service whose foreign image must not get `never`."""


PROD_WAY = "-f compose.yaml -f compose.prod.yaml"
CASES = {
    "the image stands in prod": Case(
        {"compose.prod.yaml": both("image: 'flows:1'")}, ("-f compose.yaml", PROD_WAY), named=PROD_WAY
    ),
    "an override, and prod beside": Case(
        {"compose.override.yaml": both("image: 'flows:1'"), "compose.prod.yaml": both(f"image: '{REGISTRY}'")},
        ("", "-f compose.yaml", PROD_WAY),
        warned="stands only in the file whose",
        fetched={PROD_WAY: "airflow-scheduler"},
    ),
    "prod fetches": Case(
        {"compose.prod.yaml": both(f"image: '{REGISTRY}'")},
        ("", PROD_WAY),
        warned="`docker compose -f compose.yaml -f compose.prod.yaml pull` could not fetch",
        fetched={PROD_WAY: "airflow-init"},
    ),
    "prod fetches and resets the build": Case(
        {"compose.prod.yaml": both(f"image: '{REGISTRY}', build: !reset null")},
        ("", PROD_WAY),
        warned="could not fetch",
        fetched={PROD_WAY: "airflow-scheduler"},
    ),
    "three files": Case(
        {"dev.yml": both("image: 'dev:1'"), "more.yml": both("restart: always")},
        ("-f compose.yaml", "-f compose.yaml -f dev.yml", "-f compose.yaml -f more.yml"),
        named="-f compose.yaml -f dev.yml -f more.yml",
    ),
    "an override in a folder": Case(
        {"deploy/compose.prod.yaml": both(f"image: '{REGISTRY}'")},
        ("", "-f compose.yaml -f deploy/compose.prod.yaml"),
        warned="-f deploy/compose.prod.yaml pull",
        fetched={"-f compose.yaml -f deploy/compose.prod.yaml": "airflow-init"},
    ),
    "another name": Case(
        {"prod.yml": both(f"image: '{REGISTRY}'")},
        ("-f compose.yaml -f prod.yml",),
        warned="-f prod.yml pull",
        fetched={"-f compose.yaml -f prod.yml": "airflow-init"},
    ),
    "prod extends": Case(
        {
            "prod.yml": "services:\n  web:\n    extends: {file: compose.yaml, service: airflow-scheduler}\n"
            f"    depends_on: !reset []\n    image: {REGISTRY}\n"
        },
        ("", "-f prod.yml"),
        warned="-f prod.yml pull",
        fetched={"-f prod.yml": "web"},
    ),
    "another project includes it": Case(
        {"all.yml": "include: [compose.yaml]\nservices: {db: {image: 'postgres:16'}}\n"}, ("", "-f all.yml")
    ),
    "an override replaces a service": Case(
        {"compose.prod.yaml": f"services:\n  airflow-scheduler: !override {{image: '{REGISTRY}'}}\n"}, ("", PROD_WAY)
    ),
    "a profile": Case(
        {
            "compose.prod.yaml": both(f"image: '{REGISTRY}'")
            + f"  cli: {{image: '{REGISTRY}', profiles: [debug], pull_policy: always}}\n"
        },
        ("", PROD_WAY),
        warned="could not fetch",
        fetched={PROD_WAY: "airflow-init"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_was_valid_stays_valid(tmp_path: Path, name: str) -> None:
    case, folder = CASES[name], tmp_path / "shop"
    write(folder, {"compose.yaml": case.main, "Dockerfile": "FROM apache/airflow:2.8.1\n", **case.files})
    ways = (*case.read, *case.fetched)
    for way in ways:
        compose(*way.split(), cwd=folder)
    done = optbuild(folder, "optimize", "--file-only", "--yes", *case.named.split())
    assert done.ok, done.err
    text = " ".join((done.out + done.err).split())
    assert case.warned in text
    assert "pull_policy" in text or not case.warned
    for way in ways:
        found = compose(*way.split(), "--profile", "*", cwd=folder)["services"]
        foreign = {one for one, service in found.items() if str(service.get("image", "")).startswith("registry.")}
        assert not {one for one in foreign if found[one].get("pull_policy") == "never"}, way
    for way, service in case.fetched.items():
        assert compose(*way.split(), cwd=folder)["services"][service]["image"] == REGISTRY
    again = json.loads(optbuild(folder, "plan", "--format", "json", *case.named.split()).out)
    assert again["edits"] == []


def test_only_what_is_true_is_noted(tmp_path: Path) -> None:
    """An override that builds a sharer, a monitoring stack, and another project that stands for itself."""
    write(
        tmp_path,
        {
            "compose.yaml": MAIN,
            "Dockerfile": "FROM apache/airflow:2.8.1\n",
            "compose.prod.yaml": "services: {airflow-scheduler: {build: {context: ., target: prod}}}\n",
            "compose.monitoring.yaml": "services: {grafana: {image: 'our-grafana:7', build: ./grafana}}\n",
            "compose.celery.yaml": "services:\n  airflow-init: {build: ./celery, command: db migrate}\n"
            "  airflow-scheduler: {build: ./celery, command: scheduler}\n",
        },
    )
    (note,) = json.loads(optbuild(tmp_path, "plan", "--format", "json").out)["notes"]
    assert note == (
        "with compose.prod.yaml, airflow-scheduler builds another image under the shared name. Plan the files "
        "together: `optbuild optimize -f compose.yaml -f compose.prod.yaml`"
    )


def stack_config(folder: Path) -> ProcessResult:
    return RUNNER.run(Command(("docker", "stack", "config", "-c", "compose.yaml"), cwd=folder, env=environment()))


def test_a_stack_can_still_be_deployed(tmp_path: Path) -> None:
    write(tmp_path, {"compose.yaml": STACK, "Dockerfile": "FROM apache/airflow:2.8.1\n"})
    assert stack_config(tmp_path).ok
    done = optbuild(tmp_path, "optimize", "--file-only", "--yes")
    assert "`docker stack deploy -c compose.yaml` would be refused" in " ".join((done.out + done.err).split())
    assert stack_config(tmp_path).ok
    assert (tmp_path / "compose.yaml").read_text().count("build:") == 1


def test_an_old_version_is_noted_as_a_stack_of_before(tmp_path: Path) -> None:
    write(tmp_path, {"compose.yaml": 'version: "3.7"\n' + MAIN, "Dockerfile": "FROM apache/airflow:2.8.1\n"})
    (note,) = json.loads(optbuild(tmp_path, "plan", "--format", "json").out)["notes"]
    assert note.startswith("`docker stack deploy -c compose.yaml` accepts this file today, and would refuse")


def watch(folder: Path) -> bool:
    """Whether Compose begins to watch; it would go on until it is ended."""
    words = ("docker", "compose", "--dry-run", "watch", "--no-up")
    env = environment(DOCKER_HOST="unix:///nonexistent")
    with subprocess.Popen(words, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            said, _ = process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            process.terminate()
            said, _ = process.communicate(timeout=20)
    return b"Watch enabled" in said


def test_watch_works_as_before(tmp_path: Path) -> None:
    write(tmp_path, {"compose.yaml": WATCHED, "Dockerfile": "FROM apache/airflow:2.8.1\n"})
    assert watch(tmp_path)
    assert optbuild(tmp_path, "optimize", "--file-only", "--yes").ok
    assert watch(tmp_path)
    assert (tmp_path / "compose.yaml").read_text().count("build:") == 1


def plan(folder: Path, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(optbuild(folder, "plan", "--format", "json", *words).out)
    return found


def test_the_context_of_another_service_still_finds_its_build(tmp_path: Path) -> None:
    docker = {"Dockerfile": "FROM apache/airflow:2.8.1\n", "docs/Dockerfile": "FROM a\n"}
    write(tmp_path, {"compose.yaml": CONTEXT, **docker})
    assert plan(tmp_path, "--builder-service", "init")["edits"] == []
    assert optbuild(tmp_path, "optimize", "--file-only", "--yes").ok
    compose(cwd=tmp_path)


@pytest.mark.parametrize("context", ["scheduler", "init"])
def test_also_that_of_a_file_which_was_not_read(tmp_path: Path, context: str) -> None:
    main, _, docs = CONTEXT.partition("  docs:\n")
    docs = f"services:\n  init: {{restart: always}}\n  docs:\n{docs}".replace("scheduler", context)
    docker = {"Dockerfile": "FROM apache/airflow:2.8.1\n", "docs/Dockerfile": "FROM a\n"}
    write(tmp_path, {"compose.yaml": main, "site.yml": docs, **docker})
    way = ("-f", "compose.yaml", "-f", "site.yml")
    compose(*way, cwd=tmp_path)
    assert optbuild(tmp_path, "optimize", "--file-only", "--yes").ok
    compose(*way, cwd=tmp_path)
    assert (tmp_path / "compose.yaml").read_text().count("build:") == 1


def test_the_plan_shows_no_edit_that_optimize_refuses(tmp_path: Path) -> None:
    """Here no edit can leave `ci.yml` valid, and the note quotes Compose."""
    ci = "services: {airflow-init: {image: !reset null}, airflow-scheduler: {image: !reset null}}\n"
    write(tmp_path, {"compose.yaml": MAIN, "ci.yml": ci, "Dockerfile": "FROM apache/airflow:2.8.1\n"})
    compose("-f", "compose.yaml", "-f", "ci.yml", cwd=tmp_path)
    found = plan(tmp_path)
    assert found["edits"] == []
    (note,) = found["notes"]
    assert "`docker compose -f compose.yaml -f ci.yml config --quiet` works today and would be refused: service" in note
    assert "has neither an image nor a build context specified" in note
    before = (tmp_path / "compose.yaml").read_bytes()
    done = optbuild(tmp_path, "optimize", "--file-only", "--yes")
    assert (done.ok, (tmp_path / "compose.yaml").read_bytes()) == (False, before)
