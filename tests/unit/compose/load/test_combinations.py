"""One way to read some files, asked of a Compose written here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from fake_compose import CLI, REFUSED, Compose, answer, machine, plain_files

from builder.compose.load.combinations import Combination, CombinationAnswer, ServiceFacts, ask_combination
from builder.compose.model import ProjectFiles
from builder.core.errors import InterruptedByUserError, ToolTimeoutError
from builder.engine.compose import ComposeCli

if TYPE_CHECKING:
    from pathlib import Path

    from builder.core.process import Command

TWO = answer(a={"image": "r.example/x", "pull_policy": "never"}, b={"build": {"context": "/p"}}, c={"image": "y"})


@pytest.fixture
def files(tmp_path: Path) -> ProjectFiles:
    return plain_files(tmp_path)


def ask(files: ProjectFiles, compose: Any, *, stack: bool = False, cli: ComposeCli = CLI) -> CombinationAnswer:
    env = machine(files.directory)
    return ask_combination(Combination(files, stack), cli, compose, env, {files.files[0]: b"services: {}\n"})


def test_what_is_compared_of_an_answer(files: ProjectFiles) -> None:
    compose = Compose(resolved=TWO)
    found = ask(files, compose)
    assert found.facts == {
        "a": ServiceFacts(builds=False, never=True),
        "b": ServiceFacts(builds=True, never=False),
        "c": ServiceFacts(builds=False, never=False),
    }
    assert (found.interpolated, found.services["a"].image, len(compose.commands)) == (True, "r.example/x", 1)


def test_without_its_variables_where_they_are_missing(files: ProjectFiles) -> None:
    compose = Compose(resolved=REFUSED, raw=TWO)
    found = ask(files, compose)
    assert (found.interpolated, found.complaint, found.facts is not None) == (False, "services.a.ports is wrong", True)
    assert [("--no-interpolate" in command.argv) for command in compose.commands] == [False, True]


@pytest.mark.parametrize(
    ("said", "valid"),
    [
        ('service "a" depends on undefined service "init": invalid compose project', False),
        ('service "a" depends on undefined service init: invalid compose project', False),
        ('service "a" refers to undefined network back: invalid compose project', False),
        ('service "a" refers to undefined volume logs: invalid compose project', False),
        ('service "a" has neither an image nor a build context specified: invalid compose project', True),
        ("required variable TAG is missing a value: set it", True),
        ("env file /p/.env.local not found: stat /p/.env.local: no such file or directory", True),
    ],
)
def test_a_fragment_is_not_valid_because_compose_looks_away(files: ProjectFiles, said: str, valid: bool) -> None:
    found = ask(files, Compose(resolved=(15, "", f"{said}\n"), raw=TWO))
    assert (found.facts is not None) is valid
    assert found.complaint


def test_a_refusal_is_in_composes_words_and_names_the_real_files(files: ProjectFiles) -> None:
    def refuse(command: Command) -> tuple[int, str, str]:
        return 15, "", f'validating {command.argv[5]}: services.a must be a mapping, not "canary-variable"\n'

    found = ask(files, Compose(resolved=refuse, raw=refuse))
    assert (found.facts, found.asked) == (None, True)
    assert found.complaint.startswith(f"validating {files.files[0]}: services.a must be a mapping")
    assert "canary" not in found.complaint


def test_paths_are_those_of_the_real_tree(files: ProjectFiles) -> None:
    def build(command: Command) -> tuple[int, str, str]:
        return answer(a={"build": {"context": command.argv[3]}})

    found = ask(files, Compose(resolved=build)).services["a"].build
    assert found is not None
    assert found.context == str(files.directory)


@pytest.mark.parametrize("error", [ToolTimeoutError("docker compose", 60), OSError("no space")])
def test_an_answer_that_cannot_be_had_was_not_asked_for(files: ProjectFiles, error: Exception) -> None:
    def fail(_command: Command) -> tuple[int, str, str]:
        raise error

    assert ask(files, Compose(resolved=fail, raw=fail)) == CombinationAnswer(asked=False)


def test_ctrl_c_is_passed_on(files: ProjectFiles) -> None:
    with pytest.raises(InterruptedByUserError):
        ask(files, Compose(resolved=(130, "", "")))


def test_a_stack_is_read_by_docker_itself(files: ProjectFiles) -> None:
    compose = Compose(resolved=(0, "services: {}\n", ""))
    assert ask(files, compose, stack=True).facts == {}
    (command,) = compose.commands
    assert command.argv[:4] == ("docker", "stack", "config", "-c")


def test_what_a_stack_refuses(files: ProjectFiles) -> None:
    said = (1, "", "services.a Additional property pull_policy is not allowed\n")
    found = ask(files, Compose(resolved=said), stack=True)
    assert (found.facts, found.complaint) == (None, "services.a Additional property pull_policy is not allowed")


def test_docker_compose_alone_has_no_stacks(files: ProjectFiles) -> None:
    compose = Compose()
    assert ask(files, compose, stack=True, cli=ComposeCli(("docker-compose",))) == CombinationAnswer(asked=False)
    assert compose.commands == []


def test_what_is_no_project_says_nothing(files: ProjectFiles) -> None:
    odd = (0, json.dumps({"services": {"a": [1]}}), "")
    assert ask(files, Compose(resolved=odd)) == CombinationAnswer(asked=False)


def test_what_a_person_types(files: ProjectFiles) -> None:
    folder = files.directory
    two = ProjectFiles(folder, (*files.files, folder.parent / "my files" / "prod.yml"))
    assert Combination(two).format_command(folder, "pull") == (
        "docker compose -f compose.yaml -f '../my files/prod.yml' pull"
    )
    assert Combination(files, stack=True).format_command(folder, "deploy") == "docker stack deploy -c compose.yaml"
