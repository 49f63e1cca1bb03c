"""Asking Compose twice, with a Compose written here: what it is asked, and what becomes of its answers."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_compose import CLI, MISSING, REFUSED, Compose, answer, machine, plain_files

from builder.compose.load.config import load_config
from builder.compose.model import ProjectFiles
from builder.core.errors import (
    ComposeError,
    ComposeMissingError,
    ExitCode,
    InterruptedByUserError,
    ToolError,
    ToolTimeoutError,
)
from builder.core.process import Command, ProcessResult
from builder.engine.compose import REMOTE_VARIABLES, ComposeCli, make_compose_environment


@pytest.fixture
def files(tmp_path: Path) -> ProjectFiles:
    return plain_files(tmp_path)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return machine(tmp_path)


def test_what_it_is_asked(files: ProjectFiles, env: dict[str, str]) -> None:
    named = ProjectFiles(files.directory, files.files, (Path("/e"),), "name")
    compose = Compose()
    load_config(named, CLI, compose, env)
    (resolved,) = [command for command in compose.commands if "--no-interpolate" not in command.argv]
    (raw,) = compose.of("--no-interpolate")
    project = ("--project-directory", str(files.directory), "--file", str(files.files[0]))
    before = ("docker", "compose", *project, "--env-file", "/e", "--project-name", "name", "--profile", "*", "config")
    assert resolved.argv == (*before, "--format", "json")
    assert raw.argv == (*before, "--no-interpolate", "--format", "json")
    assert resolved.env == raw.env == make_compose_environment(env, remote=False)
    assert "canary" not in f"{resolved} {resolved!r}"


@pytest.mark.parametrize("given", [None, "true", "1", "false"])
@pytest.mark.parametrize("remote", [False, True])
def test_compose_fetches_no_file_unless_it_may(
    files: ProjectFiles, env: dict[str, str], given: str | None, remote: bool
) -> None:
    """Whatever the person's own environment says, and whatever the version takes an unset variable for."""
    mine = env if given is None else {**env, **dict.fromkeys(REMOTE_VARIABLES, given)}
    compose = Compose()
    load_config(replace(files, remote=remote), CLI, compose, mine)
    said = {(command.env or {}).get(name) for command in compose.commands for name in REMOTE_VARIABLES}
    assert said == {"true" if remote else "false"}


def test_both_are_asked_at_the_same_time_and_nothing_else(files: ProjectFiles, env: dict[str, str]) -> None:
    compose = Compose(together=threading.Barrier(2))
    found = load_config(files, CLI, compose, env)
    assert len(compose.commands) == 2
    assert found.resolved == {"name": "p", "services": {"a": {"image": "x"}}}
    assert found.raw == {"name": "p", "services": {"a": {"image": "${X}"}}}
    assert found.complaints == ()


def test_one_may_be_refused(files: ProjectFiles, env: dict[str, str]) -> None:
    for compose, missing in ((Compose(resolved=REFUSED), "resolved"), (Compose(raw=REFUSED), "raw")):
        found = load_config(files, CLI, compose, env)
        assert [name for name in ("resolved", "raw") if getattr(found, name) is None] == [missing]
        assert found.complaints == ("services.a.ports is wrong",)
        assert len(compose.commands) == 2


def test_a_file_that_has_what_is_missing_is_named_with_the_complaint(files: ProjectFiles, env: dict[str, str]) -> None:
    (files.directory / "docker-compose.base.yml").write_text("services: {db: {image: x}}\n")
    said = (15, "", 'service "db" has neither an image nor a build context specified: invalid compose project')
    (complaint,) = load_config(files, CLI, Compose(resolved=said), env).complaints
    assert complaint.startswith('service "db" has neither an image nor a build')
    assert f"name all, in this order: `-f docker-compose.base.yml -f {files.files[0].name}`" in complaint


def test_the_version_of_compose_is_asked_for_where_a_key_is_newer(files: ProjectFiles, env: dict[str, str]) -> None:
    said = (15, "", f"validating {files.files[0]}: services.a Additional property provider is not allowed")
    with pytest.raises(ComposeError) as caught:
        load_config(files, CLI, Compose(resolved=said, raw=said, version=(0, "2.26.1\n", "")), env)
    assert "needs 2.36.0 or newer, this is 2.26.1" in (caught.value.hint or "")


def test_both_refused_is_a_bad_file(files: ProjectFiles, env: dict[str, str]) -> None:
    said = (15, "", f"validating {files.files[0]}: services.a.build must be a string, not canary-variable")
    with pytest.raises(ComposeError, match=r"services\.a\.build must be a string") as caught:
        load_config(files, CLI, Compose(resolved=said, raw=said), env)
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.where is not None
    assert (caught.value.where.file, caught.value.where.key) == (str(files.files[0]), "services.a.build")
    assert caught.value.hint
    assert "canary" not in f"{caught.value} {caught.value!r}"


def test_broken_yaml_is_found_in_its_file(files: ProjectFiles, env: dict[str, str]) -> None:
    override = files.directory / "compose.override.yaml"
    override.write_text("services:\n  a:\n    build: [\n")
    both = ProjectFiles(files.directory, (*files.files, override))
    said = (15, "", "yaml: line 2: did not find expected node content")
    with pytest.raises(ComposeError) as caught:
        load_config(both, CLI, Compose(resolved=said, raw=said), env)
    assert caught.value.where is not None
    assert (caught.value.where.file, caught.value.where.line) == (str(override), 4)


@pytest.mark.parametrize(
    "main", ["include: [sub/x.yaml]\n", "services: {a: {extends: {file: sub/x.yaml, service: b}}}\n"]
)
def test_broken_yaml_is_found_in_a_file_that_compose_does_not_name(
    files: ProjectFiles, env: dict[str, str], main: str
) -> None:
    files.files[0].write_text(main)
    (files.directory / "sub").mkdir()
    (files.directory / "sub/x.yaml").write_text("services:\n  b:\n    <<: *common\n")
    said = (15, "", "yaml: unknown anchor 'common' referenced")
    with pytest.raises(ComposeError, match="the alias \\*common stands for nothing") as caught:
        load_config(files, CLI, Compose(resolved=said, raw=said), env)
    assert caught.value.where is not None
    assert (caught.value.where.file, caught.value.where.line) == (str(files.directory / "sub/x.yaml"), 3)


def test_a_refusal_without_words(files: ProjectFiles, env: dict[str, str]) -> None:
    with pytest.raises(ComposeError, match="exit code 9"):
        load_config(files, CLI, Compose(resolved=(9, "", ""), raw=(9, "", "")), env)


def test_a_guessed_compose_is_looked_for_when_both_fail(files: ProjectFiles, env: dict[str, str]) -> None:
    compose = Compose(resolved=MISSING, raw=MISSING, version=MISSING)
    with pytest.raises(ComposeMissingError, match="is not a docker command"):
        load_config(files, CLI, compose, env)
    known = Compose(resolved=MISSING, raw=MISSING, version=MISSING)
    with pytest.raises(ComposeError):
        load_config(files, ComposeCli(CLI.argv, "2.26.1"), known, env)
    assert not known.of("--short")


def test_a_standalone_compose_is_asked_instead(files: ProjectFiles, env: dict[str, str]) -> None:
    class Standalone(Compose):
        def run(self, command: Command, **_kwargs: Any) -> ProcessResult:
            if command.argv[0] == "docker":
                self.commands.append(command)
                return ProcessResult(command, *MISSING)
            return super().run(command)

    compose = Standalone()
    assert load_config(files, CLI, compose, env).resolved is not None
    assert [command.argv[0] for command in compose.commands][-2:] == ["docker-compose"] * 2


def test_an_answer_that_is_no_project(files: ProjectFiles, env: dict[str, str]) -> None:
    for out in ("[]", "", "{"):
        with pytest.raises(ToolError, match="is not a project"):
            load_config(files, CLI, Compose(resolved=(0, out, "")), env)


def test_an_answer_that_is_nested_too_deep(files: ProjectFiles, env: dict[str, str]) -> None:
    deep = '{"x-deep": ' + "[" * 5000 + "]" * 5000 + "}"
    with pytest.raises(ComposeError, match="nested too deep") as caught:
        load_config(files, CLI, Compose(resolved=(0, deep, "")), env)
    assert caught.value.where is not None
    assert caught.value.where.file == str(files.files[0])


def test_silence_is_the_tool_s_failure(files: ProjectFiles, env: dict[str, str]) -> None:
    def silent(command: Command) -> tuple[int, str, str]:
        raise ToolTimeoutError(str(command), 120)

    with pytest.raises(ToolTimeoutError):
        load_config(files, CLI, Compose(resolved=silent), env)


@pytest.mark.parametrize("code", [-15, -2, -9, 143, 130])
def test_a_compose_that_was_ended_refused_nothing(files: ProjectFiles, env: dict[str, str], code: int) -> None:
    compose = Compose(resolved=(code, "", ""), raw=(code, "", ""))
    with pytest.raises(InterruptedByUserError):
        load_config(files, CLI, compose, env)
    assert not compose.of("--short")


def mirror_of(command: Command) -> Path:
    return Path(command.argv[command.argv.index("--file") + 1])


def test_an_overlay_is_asked_about_elsewhere_and_told_with_the_real_paths(
    files: ProjectFiles, env: dict[str, str]
) -> None:
    main = files.files[0]

    def look(command: Command) -> tuple[int, str, str]:
        there = mirror_of(command)
        assert there != main
        assert there.read_bytes() == b"new"
        assert command.argv[command.argv.index("--project-directory") + 1] == str(there.parent)
        return answer(a={"build": {"context": str(there.parent), "args": [str(there), 1, None]}})

    seen: list[Path] = []

    def refuse(command: Command) -> tuple[int, str, str]:
        seen.append(mirror_of(command))
        return (15, "", f"open {mirror_of(command).parent}/none.yml: no such file or directory")

    found = load_config(files, CLI, Compose(resolved=look, raw=refuse), env, overlay={main: b"new"})
    build = {"context": str(main.parent), "args": [str(main), 1, None]}
    assert found.resolved == {"name": "p", "services": {"a": {"build": build}}}
    assert found.complaints == (f"open {main.parent}/none.yml: no such file or directory",)
    assert main.read_bytes() != b"new"
    assert not seen[0].exists()


def test_no_overlay_is_no_mirror(files: ProjectFiles, env: dict[str, str]) -> None:
    compose = Compose()
    load_config(files, CLI, compose, env, overlay={})
    assert {mirror_of(command) for command in compose.commands} == {files.files[0]}


def test_a_file_is_overlaid_under_each_of_its_names(files: ProjectFiles, env: dict[str, str]) -> None:
    """A link and what it leads to are one file: writing one changes both."""
    main, base = files.files[0], files.directory / "base.yml"
    base.write_text("services: {b: {image: x}}\n")
    (files.directory / "link.yml").symlink_to("base.yml")
    main.write_text("include: [base.yml]\nservices: {a: {extends: {file: link.yml, service: b}}}\n")

    def look(command: Command) -> tuple[int, str, str]:
        there = mirror_of(command).parent
        return answer(a={"image": (there / "link.yml").read_text()}, b={"image": (there / "base.yml").read_text()})

    found = load_config(files, CLI, Compose(resolved=look), env, overlay={base: b"new"})
    assert found.resolved is not None
    assert found.resolved["services"] == {"a": {"image": "new"}, "b": {"image": "new"}}
