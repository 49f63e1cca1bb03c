"""All that is asked about an edit, of a Compose that answers from here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from fake_compose import CLI, Compose, machine
from project_files import target
from runtime_factory import make_runtime

from builder.compose.load.project import read_project
from builder.compose.model import Project, ProjectFiles
from builder.compose.rewrite.combination_check import ProblemKind
from builder.compose.rewrite.rewrite import rewrite_files
from builder.core.errors import InterruptedByUserError
from builder.operations.edit_check import EditChecker

if TYPE_CHECKING:
    from pathlib import Path

    from builder.compose.rewrite.combination_check import EditVerdict
    from builder.core.process import Command

TARGET = target("init", "web", builder="init")
MAIN = "services: {init: {build: .}, web: {build: .}}\n"
PROD = "services: {web: {image: registry.example/a:1}}\n"


class Answers:
    """Compose for a folder. ``prod_policy``: what `web` gets with `prod.yml` on top, once the files are edited."""

    def __init__(self, folder: Path, *, policy: str | None = None, valid: bool = True) -> None:
        self.folder, self.policy, self.valid = folder, policy, valid
        self.compose = Compose(resolved=self.answer, raw=self.answer)

    def answer(self, command: Command) -> tuple[int, str, str]:
        words = " ".join(command.argv)
        edited = "optbuild-overlay" in words
        if edited and not self.valid:
            return 15, "", "service web declares non-buildable service init\n"
        services: dict[str, dict[str, Any]] = {
            name: {"build": {"context": str(self.folder)}} for name in ("init", "web")
        }
        if edited:
            services = {name: {**one, "image": TARGET.image, "pull_policy": "never"} for name, one in services.items()}
            del services["web"]["build"]
        if "prod.yml" in words:
            services["web"] |= {"image": "registry.example/a:1"}
            services["web"].pop("pull_policy", None)
            services["web"] |= {"pull_policy": self.policy} if edited and self.policy else {}
        return 0, json.dumps({"name": "p", "services": services}), ""


def check(folder: Path, answers: Answers) -> EditVerdict:
    runtime = make_runtime(folder, machine_once(folder), runner=answers.compose)
    files = ProjectFiles(folder, (folder / "compose.yml",))
    project = read_project(files, CLI, answers.compose, runtime.env)
    answers.compose.commands.clear()
    return EditChecker(runtime, CLI, project).check(edits_of(project), (TARGET,))


def edits_of(project: Project) -> Any:
    return rewrite_files(project, (TARGET,))


def machine_once(folder: Path) -> dict[str, str]:
    return {"PATH": str(folder / "bin")} if (folder / "bin").exists() else {"PATH": machine(folder)["PATH"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "compose.yml").write_text(MAIN)
    return tmp_path


def test_a_lone_file_costs_one_more_pair_of_calls(folder: Path) -> None:
    answers = Answers(folder)
    verdict = check(folder, answers)
    assert (verdict.problems, verdict.notes) == ((), ())
    assert len(answers.compose.commands) == 2


def test_a_neighbour_costs_one_pair_and_half_of_it_the_next_time(folder: Path) -> None:
    (folder / "prod.yml").write_text(PROD)
    for calls in (4, 3):
        answers = Answers(folder)
        check(folder, answers)
        assert len(answers.compose.of("config")) == calls
    (folder / "prod.yml").write_text(PROD + "# changed\n")
    answers = Answers(folder)
    check(folder, answers)
    assert len(answers.compose.of("config")) == 4


def test_a_stack_is_asked_each_time_and_no_version_for_it(folder: Path) -> None:
    (folder / "compose.yml").write_text('version: "3.8"\n' + MAIN)
    for _ in range(2):
        answers = Answers(folder)
        check(folder, answers)
        assert (len(answers.compose.of("stack")), len(answers.compose.of("version"))) == (2, 0)
    assert not (folder / "cache").exists()


def test_what_breaks_beside_the_project(folder: Path) -> None:
    (folder / "prod.yml").write_text(PROD)
    (problem,) = check(folder, Answers(folder, policy="never")).problems
    assert (problem.kind, problem.services) == (ProblemKind.NEVER_PULLED, ("web",))


def test_a_refusal_of_the_project_itself_is_in_composes_words(folder: Path) -> None:
    problem, *_ = check(folder, Answers(folder, valid=False)).problems
    assert problem.kind is ProblemKind.UNPROVEN
    assert problem.text.endswith("Compose refuses this project: service web declares non-buildable service init")


@pytest.mark.parametrize("is_project", [True, False])
def test_another_build_is_noted_unless_the_file_is_a_project_of_its_own(folder: Path, *, is_project: bool) -> None:
    (folder / "prod.yml").write_text("services: {web: {build: {context: ., target: prod}}}\n")
    answers = Answers(folder)

    def build(command: Command) -> tuple[int, str, str]:
        words = " ".join(command.argv)
        if "prod.yml" not in words:
            return answers.answer(command)
        if "compose.yml" not in words:
            return answers.answer(command) if is_project else (15, "", "no such service\n")
        target = {"build": {"context": str(folder), "target": "prod"}}
        shared = {"image": TARGET.image, "pull_policy": "never"} if "optbuild-overlay" in words else {}
        services = {"init": {"build": {"context": str(folder)}, **shared}, "web": {**target, **shared}}
        return 0, json.dumps({"name": "p", "services": services}), ""

    answers.compose.resolved = answers.compose.raw = build
    notes = check(folder, answers).notes
    assert [note[:49] for note in notes] == (
        [] if is_project else ["with prod.yml, web builds another image under the"]
    )


def test_ctrl_c_ends_it_all(folder: Path) -> None:
    (folder / "prod.yml").write_text(PROD)
    answers = Answers(folder)

    def end(command: Command) -> tuple[int, str, str]:
        return (130, "", "") if "prod.yml" in " ".join(command.argv) else answers.answer(command)

    answers.compose.resolved = end
    with pytest.raises(InterruptedByUserError):
        check(folder, answers)
