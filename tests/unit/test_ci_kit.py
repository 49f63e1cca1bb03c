"""What the repository has for CI calls commands and options that exist, in scripts that a shell can read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from builder.cli.reference.commands import read_commands

REPOSITORY = Path(__file__).parents[2]
ROWS = {row.name: row for row in read_commands()}
FILES = ("action.yml", "ci/example-workflow.yml", "ci/gitlab.yml", ".pre-commit-hooks.yaml")


def load(name: str) -> Any:
    return yaml.safe_load((REPOSITORY / name).read_text())


def list_texts(value: Any) -> list[str]:
    """Every text in a document."""
    if isinstance(value, dict):
        return [text for one in value.values() for text in list_texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in list_texts(one)]
    return [value] if isinstance(value, str) else []


def list_calls(name: str) -> list[list[str]]:
    lines = [line for text in list_texts(load(name)) for line in text.splitlines()]
    found = [re.search(r"(?:^|[ ;])optbuild ((?:lock|plan|diff|build|verify)\b.*)", line) for line in lines]
    return [match[1].rstrip(" fi").replace(";", " ").split() for match in found if match]


@pytest.mark.parametrize("name", FILES)
def test_its_commands_and_options_exist(name: str) -> None:
    calls = list_calls(name)
    assert calls
    for command, *words in calls:
        known = {option for row in ROWS[command].options for option in row.names}
        assert {word for word in words if word.startswith("--")} <= known, command


def test_the_action_uses_only_inputs_and_outputs_that_it_declares() -> None:
    text, action = (REPOSITORY / "action.yml").read_text(), load("action.yml")
    assert set(re.findall(r"inputs\.([a-z-]+)", text)) == set(action["inputs"])
    steps = {step["id"] for step in action["runs"]["steps"] if "id" in step}
    assert set(re.findall(r"steps\.([a-z]+)\.outputs", text)) == steps
    assert all("${{" not in step["run"] for step in action["runs"]["steps"]), "an input in a script is a way in"
    used = load("ci/example-workflow.yml")["jobs"]["image"]["steps"]
    (own,) = [step for step in used if step.get("id") == "optbuild"]
    assert set(own["with"]) <= set(action["inputs"])


def test_no_script_of_the_workflow_has_an_expression_in_it() -> None:
    steps = load("ci/example-workflow.yml")["jobs"]["image"]["steps"]
    assert not [step["run"] for step in steps if "${{" in step.get("run", "")]


@pytest.mark.parametrize(
    ("hook", "file", "runs"),
    [
        ("optbuild-lock", "optbuild.toml", True),
        ("optbuild-lock", "images/airflow/optbuild.lock", True),
        ("optbuild-lock", "requirements-dev.txt", True),
        ("optbuild-lock", "README.md", False),
        ("optbuild-plan", "docker-compose.override.yml", True),
        ("optbuild-plan", "compose.yaml", True),
        ("optbuild-plan", "docker/Dockerfile.airflow", True),
        ("optbuild-plan", "dags/a.py", False),
    ],
)
def test_a_hook_runs_for_the_files_that_it_is_about(hook: str, file: str, runs: bool) -> None:
    (found,) = [one for one in load(".pre-commit-hooks.yaml") if one["id"] == hook]
    assert bool(re.search(found["files"], file)) is runs
    assert found["pass_filenames"] is False


def test_the_pages_name_what_the_files_take_and_give() -> None:
    github, gitlab = ((REPOSITORY / f"docs/how-to/{name}.md").read_text() for name in ("github", "gitlab"))
    action, jobs = load("action.yml"), load("ci/gitlab.yml")
    assert set(re.findall(r"^\| `([a-z-]+)` \|", github, re.MULTILINE)) == {*action["inputs"], *action["outputs"]}
    rows = set(re.findall(r"^\| `([A-Za-z_-]+)`", gitlab, re.MULTILINE))
    assert rows == {*jobs[".optbuild"]["variables"], "OPTBUILD_BUILD", *(name for name in jobs if name[0] != ".")}
