"""The command `plan` with a Compose that answers from here and no engine."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from fake_compose import follow_edit
from runtime_factory import make_runtime

from builder.cli import main as cli
from builder.compose.model import ProjectFiles
from builder.core.errors import InterruptedByUserError, ToolMissingError
from builder.core.process import ProcessResult
from builder.rollout.journal_file import resolve_journal_path, resolve_open_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.core.process import Command

COMPOSE = """\
services:
  airflow-init:
    build: .
    command: db migrate
  airflow-scheduler:
    build: .
    command: scheduler
    depends_on: {airflow-init: {condition: service_completed_successfully}}
  postgres:
    image: postgres:13
    environment: {POSTGRES_PASSWORD: hunter2}
    volumes: [db:/var/lib/postgresql/data]
volumes: {db: }
"""
DOCKERFILE = "FROM apache/airflow:2.8.1\nRUN pip install pandas\n"


def answer(folder: Path) -> dict[str, Any]:
    """What `docker compose config` says about it."""
    build = {"context": str(folder), "dockerfile": "Dockerfile"}
    needs = {"airflow-init": {"condition": "service_completed_successfully", "required": True}}
    volume = {"type": "volume", "source": "db", "target": "/var/lib/postgresql/data", "volume": {}}
    return {
        "name": "shop",
        "services": {
            "airflow-init": {"build": build, "command": ["db", "migrate"]},
            "airflow-scheduler": {"build": build, "command": ["scheduler"], "depends_on": needs},
            "postgres": {
                "image": "postgres:13",
                "environment": {"POSTGRES_PASSWORD": "hunter2"},
                "volumes": [volume],
            },
        },
        "volumes": {"db": {"name": "shop_db"}},
    }


class Compose:
    """Answers `config`; nothing else is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[tuple[str, ...]] = []

    def run(self, command: Command, **_callbacks: object) -> ProcessResult:
        self.asked.append(command.argv)
        assert "config" in command.argv
        return ProcessResult(command, 0, json.dumps(follow_edit(answer(self.folder), command)), "")


class Ran:
    """One run of the command."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "repository" / "shop"
    made.mkdir(parents=True)
    (tmp_path / "repository" / ".git").mkdir()
    (made / "compose.yaml").write_text(COMPOSE)
    (made / "Dockerfile").write_text(DOCKERFILE)
    return made


@pytest.fixture
def plan(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """``plan(*words)``: the whole command line. The engine that is meant does not exist."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "docker").write_text("#!/bin/false\n")
    (tools / "docker").chmod(0o755)
    env = {"PATH": str(tools), "HOME": str(tmp_path), "DOCKER_CONTEXT": "none", "XDG_STATE_HOME": str(tmp_path / "s")}

    def run(*words: str, cwd: Path = folder, **more: str) -> Ran:
        out, err = io.StringIO(), io.StringIO()

        runtime = make_runtime(cwd, {**env, **more}, runner=Compose(folder), out=out, err=err, color=True)
        code = cli.run(("plan", *words), lambda **_: runtime)
        return Ran(code, out.getvalue(), err.getvalue() + capsys.readouterr().err)

    return run


def test_it_prints_the_plan_and_changes_nothing(plan: Callable[..., Ran], folder: Path) -> None:
    done = plan()
    assert done.code == 0
    assert done.out.startswith("shop: 3 services in compose.yaml (no engine answered")
    assert "warning OB101: several services build the same image" in done.out
    assert "-    build: .\n" in done.out
    assert "+    pull_policy: never\n" in done.out
    assert (folder / "compose.yaml").read_text() == COMPOSE
    assert sorted(path.name for path in folder.iterdir()) == ["Dockerfile", "compose.yaml"]


def test_without_an_engine_one_line_on_stderr_says_so(plan: Callable[..., Ran]) -> None:
    done = plan()
    assert done.err.startswith("optbuild: bytes are unknown: ")
    assert done.err.count("\n") == 1
    assert "hunter2" not in done.out + done.err


def test_an_optimize_that_was_killed_is_told(plan: Callable[..., Ran], folder: Path, tmp_path: Path) -> None:
    journal = resolve_open_path(
        resolve_journal_path(tmp_path / "s" / "optbuild", ProjectFiles(folder, (folder / "compose.yaml",)))
    )
    journal.parent.mkdir(parents=True)
    journal.write_text("{}")
    assert "note: an `optbuild optimize` of this project is running or was killed half way" in plan().out


def test_a_dockerfile_that_is_not_there_is_told(plan: Callable[..., Ran], folder: Path) -> None:
    assert "not there" not in plan().out
    (folder / "Dockerfile").unlink()
    assert "note: ./Dockerfile is missing or cannot be read: optbuild can only guess what it builds\n" in plan().out


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_file_gets_neither_colors_nor_the_terminal_s_width(
    plan: Callable[..., Ran], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("io.StringIO", Terminal)
    first = plan("--output", "plan.txt").out or (folder / "plan.txt").read_text().splitlines()[0]
    assert first == "shop: 3 services in compose.yaml (no engine answered, so no bytes were measured)"
    assert "\x1b" not in (folder / "plan.txt").read_text()
    assert "\x1b[1m2 services build Dockerfile\x1b[0m" in plan().out


def test_no_color_reaches_what_is_no_terminal(plan: Callable[..., Ran]) -> None:
    assert "\x1b" not in plan().out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 0),
        (("--fail-level", "none"), 0),
        (("--fail-level", "info"), 1),
        (("--fail-level", "warning"), 1),
        (("--fail-level", "error"), 0),
        (("--fail-level", "warning", "--format", "json"), 1),
        (("--fail-level", "fatal"), 2),
        (("--format", "xml"), 2),
    ],
)
def test_exit_codes(plan: Callable[..., Ran], words: tuple[str, ...], code: int) -> None:
    assert plan(*words).code == code


def test_what_nobody_can_mend_fails_nothing(plan: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    """A project whose services share an image already, beside a database: OB104 and OB105, nothing else."""
    airflow = {"image": "shop:1.0", "pull_policy": "never", "healthcheck": {"test": ["CMD", "asked-of-the-role"]}}
    volume = {"type": "volume", "source": "db", "target": "/var/lib/postgresql/data"}
    connection = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://u@db/a"}
    services = {
        "db": {**airflow, "image": "postgres:13.4", "volumes": [volume]},
        **{name: {**airflow, "environment": connection, "command": [name]} for name in ("scheduler", "webserver")},
    }
    said = json.dumps({"name": "shop", "services": services})
    monkeypatch.setattr(Compose, "run", lambda _self, command, **_: ProcessResult(command, 0, said, ""))
    done = plan("--format", "json", "--fail-level", "info")
    assert [one["code"] for one in json.loads(done.out)["findings"]] == ["OB104", "OB105"]
    assert done.code == 0


def test_machines_get_json_and_nothing_else(plan: Callable[..., Ran]) -> None:
    found = json.loads(plan("--format", "json").out)
    assert found["engine"] is None
    assert found["affected"] == ["airflow-init", "airflow-scheduler"]
    assert found["groups"][0]["target"]["builder"] == "airflow-init"


@pytest.mark.parametrize(
    ("env", "name"),
    [({}, "shop/compose.yaml"), ({"GITHUB_WORKSPACE": "{root}"}, "repository/shop/compose.yaml")],
    ids=["the folder with .git", "what GitHub says"],
)
def test_annotations_are_relative_to_the_repository(
    plan: Callable[..., Ran], tmp_path: Path, env: dict[str, str], name: str
) -> None:
    given = {key: value.format(root=tmp_path) for key, value in env.items()}
    assert f"::warning file={name},line=3,title=OB101" in plan("--format", "github", **given).out
    uris = [
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in json.loads(plan("--format", "sarif", **given).out)["runs"][0]["results"]
        if result["ruleId"] == "OB101"
    ]
    assert uris == [name]


def test_the_plan_goes_to_a_file_when_asked(plan: Callable[..., Ran], folder: Path) -> None:
    done = plan("--output", "plan.txt")
    assert done.out == ""
    assert (folder / "plan.txt").read_text().startswith("shop: 3 services")


def test_a_choice_of_the_person_counts(plan: Callable[..., Ran]) -> None:
    target = json.loads(plan("--image-only", "--format", "json").out)["groups"][0]["target"]
    assert (target["source"], target["builder"]) == ("image-only", None)
    refused = plan("--builder-service", "nobody")
    assert refused.code == 2
    assert "there is no service nobody" in refused.err


def test_an_optbuild_toml_makes_the_image(plan: Callable[..., Ran], folder: Path) -> None:
    spec = '[image]\nname = "ml"\ntags = ["v1"]\n[base]\ndebian = "bookworm"\n[airflow]\nversion = "2.8.1"\n'
    spec += '[python]\nversion = "3.11"\n'
    (folder / "optbuild.toml").write_text(spec)
    target = json.loads(plan("--format", "json").out)["groups"][0]["target"]
    assert (target["source"], target["image"]) == ("spec", "ml:v1")


def test_a_spec_that_is_not_there_is_an_error(plan: Callable[..., Ran]) -> None:
    done = plan("--spec", "nowhere")
    assert done.code == 2
    assert "optbuild.toml does not exist" in done.err


def test_no_compose_file_is_an_error_with_a_next_step(plan: Callable[..., Ran], tmp_path: Path) -> None:
    done = plan(cwd=tmp_path)
    assert done.code == 2
    assert "next: name it with -f FILE" in done.err


@pytest.mark.parametrize("code", ["OB104", "ob104", "beliefs", "BELIEFS"])
def test_explanations_need_no_project(plan: Callable[..., Ran], tmp_path: Path, code: str) -> None:
    done = plan("--explain", code, cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) > 10


def test_an_explanation_speaks_of_the_project_at_hand(plan: Callable[..., Ran]) -> None:
    assert "airflow-init, airflow-scheduler" in plan("--explain", "OB104").out


def test_common_beliefs_need_no_look_at_a_project(plan: Callable[..., Ran], folder: Path) -> None:
    (folder / "compose.yaml").write_bytes(b"\xff")
    done = plan("--explain", "beliefs")
    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) > 10


TROUBLES = {
    "a file that cannot be read": "compose.yaml:1: not UTF-8: byte 0xff",
    "a file that Compose refuses": "services.web Additional property x is not allowed",
    "no docker": "docker is not installed",
    "a file that is not there": "none.yaml",
    "a service that is not there": "there is no service nobody",
    "no folder for the state": "is not a folder",
}


def trouble(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[tuple[str, ...], dict[str, str]]:
    """Make it; further words of the command line, and of its environment."""

    def missing(_self: object, command: Command, **_: object) -> ProcessResult:
        raise ToolMissingError(command.argv[0], hint="install it")

    def refusing(_self: object, command: Command, **_: object) -> ProcessResult:
        return ProcessResult(
            command, 15, "", "validating compose.yaml: services.web Additional property x is not allowed\n"
        )

    match kind:
        case "a file that cannot be read":
            (folder / "compose.yaml").write_bytes(b"services: \xff\n")
        case "a file that Compose refuses":
            monkeypatch.setattr(Compose, "run", refusing)
        case "no docker":
            monkeypatch.setattr(Compose, "run", missing)
        case "a file that is not there":
            return ("-f", "none.yaml"), {}
        case "a service that is not there":
            return ("--builder-service", "nobody"), {}
        case "no folder for the state":
            return (), {"XDG_STATE_HOME": str(folder / "Dockerfile")}
    return (), {}


@pytest.mark.parametrize(("kind", "why"), TROUBLES.items(), ids=TROUBLES)
def test_an_explanation_needs_no_project_that_can_be_read(
    plan: Callable[..., Ran], folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str, why: str
) -> None:
    """The general text, and one line that says why nothing is said of the services at hand."""
    words, env = trouble(kind, folder, monkeypatch)
    for code in ("OB101", "OB104", "OB303"):
        done = plan("--explain", code, *words, **env)
        assert done.code == 0
        assert done.out.startswith(f"{code} ")
        assert "In this project\n" not in done.out
        assert len(done.out.splitlines()) > 10
        assert done.err.startswith("optbuild: the services here are not included: ")
        assert done.err.count("\n") == 1
        assert why in done.err


def test_ctrl_c_ends_an_explanation(plan: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> ProcessResult:
        raise InterruptedByUserError("Compose was ended by a signal")

    monkeypatch.setattr(Compose, "run", interrupted)
    assert plan("--explain", "OB104").code == 130


def test_a_code_that_does_not_exist_is_an_error_that_names_them(plan: Callable[..., Ran]) -> None:
    done = plan("--explain", "OB999")
    assert done.code == 2
    assert "--explain knows OB101" in done.err
