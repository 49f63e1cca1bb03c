"""The argument vector of a build, and what is refused before one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from builder.core.errors import BuildRefusedError, BuildxMissingError, ToolFailedError
from builder.core.process import Command, ProcessResult
from builder.engine.buildx import (
    Builder,
    BuildOptions,
    BuildPlan,
    check_options,
    find_builder,
    make_build_argv,
    make_buildx_command,
    parse_builder,
    query_buildx_version,
)
from builder.engine.secrets import BuildSecrets, ValueSecret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

INSPECT = """Name:   default
Driver: docker

Nodes:
Name:             default
Endpoint:         default
Platforms:        linux/amd64, linux/amd64/v2, linux/386
"""
DEFAULT = Builder("default", "docker", ("linux/amd64", "linux/386"), (0, 13, 1))
CONTAINER = replace(DEFAULT, name="other", driver="docker-container")
PLAN = BuildPlan(
    reference="demo:0123456789ab",
    platform="linux/amd64",
    source_date_epoch=17,
    metadata=Path("/m.json"),
    folder=Path("/ctx"),
    options=BuildOptions(),
    secrets=BuildSecrets(),
    rawjson=True,
)


class FakeRunner:
    """Answers by the words behind ``docker buildx``."""

    def __init__(self, answers: Mapping[str, tuple[int, str, str]]) -> None:
        self.answers = answers

    def run(
        self,
        command: Command,
        *,
        on_out: Callable[[str], None] | None = None,
        on_err: Callable[[str], None] | None = None,
    ) -> ProcessResult:
        code, out, err = self.answers[" ".join(command.argv[2:4])]
        return ProcessResult(command, code, out, err)


VERSION = {"version": (0, "github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3\n", "")}


def test_argv_of_the_plainest_build() -> None:
    assert make_build_argv(PLAN) == (
        *("docker", "buildx", "build", "--load", "--provenance=false", "--progress", "rawjson"),
        *("--tag", "demo:0123456789ab", "--platform", "linux/amd64", "--build-arg", "SOURCE_DATE_EPOCH=17"),
        *("--metadata-file", "/m.json", "/ctx"),
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(BuildOptions(no_cache=True), ("--no-cache",), id="no-cache"),
        pytest.param(BuildOptions(builder="b"), ("--builder", "b"), id="builder"),
        pytest.param(
            BuildOptions(cache_from=("x", "type=local,src=y")),
            ("--cache-from", "x", "--cache-from", "type=local,src=y"),
            id="cache-from",
        ),
        pytest.param(BuildOptions(cache_to=("type=inline",)), ("--cache-to", "type=inline"), id="cache-to"),
        pytest.param(BuildOptions(push=True), (), id="push is the engine's job, after the checks"),
    ],
)
def test_options_are_passed_on(options: BuildOptions, words: tuple[str, ...]) -> None:
    plain = make_build_argv(PLAN)
    assert make_build_argv(replace(PLAN, options=options)) == (*plain[:-1], *words, plain[-1])


def test_files_go_into_a_folder_instead_of_an_image() -> None:
    argv = make_build_argv(replace(PLAN, output=Path("/out")))
    assert argv[:5] == ("docker", "buildx", "build", "--output", "type=local,dest=/out")
    assert not {"--load", "--tag", PLAN.reference} & set(argv)


def test_an_old_buildx_is_asked_for_plain_output() -> None:
    assert "rawjson" not in make_build_argv(replace(PLAN, rawjson=False))


def test_a_secret_is_in_the_environment_only() -> None:
    secrets = BuildSecrets(values=(ValueSecret("uv_index", "https://u:hidden@x.example"),))
    command = make_buildx_command(replace(PLAN, secrets=secrets), {"PATH": "/bin"})
    assert "hidden" not in " ".join(command.argv) + str(command)
    assert command.env is not None
    assert command.env["PATH"] == "/bin"
    assert "hidden" in command.env["OPTBUILD_SECRET_UV_INDEX"]


def test_inspect_is_read() -> None:
    found = parse_builder(INSPECT)
    assert (found.name, found.driver) == ("default", "docker")
    assert found.platforms == ("linux/amd64", "linux/amd64/v2", "linux/386")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3", (0, 13, 1)),
        ("github.com/docker/buildx v0.29.0 4d1b1f5", (0, 29, 0)),
        ("github.com/docker/buildx v0.8.2 6224def", (0, 8, 2)),
    ],
)
def test_the_buildx_version_is_read(text: str, version: tuple[int, ...]) -> None:
    runner = FakeRunner({"version": (0, text, "")})
    assert query_buildx_version(runner, {}) == version
    assert replace(DEFAULT, version=version).supports_rawjson is (version >= (0, 13))


def test_a_client_without_buildx_says_how_to_get_it() -> None:
    runner = FakeRunner({"version": (1, "", "docker: 'buildx' is not a docker command.")})
    with pytest.raises(BuildxMissingError, match="make engine"):
        find_builder(runner, {}, None)


def test_an_unknown_builder_is_named_with_those_that_exist() -> None:
    answers = {
        **VERSION,
        "inspect nope": (1, "", 'ERROR: no builder "nope" found'),
        "ls --format": (0, '{"Name":"default"}\n', ""),
    }
    with pytest.raises(BuildRefusedError, match=r"no builder 'nope'; it knows default"):
        find_builder(FakeRunner(answers), {}, "nope")


def test_a_builder_that_fails_otherwise_is_a_tool_that_failed() -> None:
    answers = {**VERSION, "inspect": (1, "", "cannot connect"), "ls --format": (0, '{"Name":"default"}\n', "")}
    with pytest.raises(ToolFailedError, match="cannot connect"):
        find_builder(FakeRunner(answers), {}, None)


def test_the_chosen_builder_is_found() -> None:
    found = find_builder(FakeRunner({**VERSION, "inspect": (0, INSPECT, "")}), {}, None)
    assert (found.name, found.version) == ("default", (0, 13, 1))


def check(options: BuildOptions, builder: Builder = DEFAULT, *, name: str = "demo:1", store: bool = False) -> None:
    check_options(options, builder, reference=name, platform="linux/amd64", containerd_store=store)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(BuildOptions(cache_to=("type=local,dest=x",)), "docker-container", id="cache export"),
        pytest.param(BuildOptions(cache_to=("registry.example/cache",)), "docker-container", id="cache to registry"),
        pytest.param(BuildOptions(platform="linux/arm64"), "optbuild lock", id="other platform"),
        pytest.param(BuildOptions(platform="linux/amd64,linux/arm64"), "leave --platform out", id="several platforms"),
        pytest.param(BuildOptions(push=True), "registry.example.com/team/name", id="push without registry"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_remedy(options: BuildOptions, words: str) -> None:
    with pytest.raises(BuildRefusedError) as caught:
        check(options)
    assert words in str(caught.value.hint)


@pytest.mark.parametrize("name", ["team/demo:1", "demo:1"])
def test_a_name_without_registry_cannot_be_pushed(name: str) -> None:
    with pytest.raises(BuildRefusedError):
        check(BuildOptions(push=True), name=name)


@pytest.mark.parametrize("name", ["127.0.0.1:5000/demo:1", "registry.example/demo:1", "localhost/demo:1"])
def test_a_name_with_registry_can_be_pushed(name: str) -> None:
    check(BuildOptions(push=True), name=name)


def test_what_the_builder_can_do_is_let_through() -> None:
    check(BuildOptions(cache_to=("type=inline",)))
    check(BuildOptions(cache_to=("type=local,dest=x",)), CONTAINER)
    check(BuildOptions(cache_to=("type=local,dest=x",)), store=True)
    check(BuildOptions(platform="linux/amd64"))


def test_a_builder_of_another_platform_is_refused() -> None:
    with pytest.raises(BuildRefusedError, match="builds linux/arm64"):
        check(BuildOptions(), replace(DEFAULT, platforms=("linux/arm64",)))
