"""The stand-ins for images of servers that cannot be pulled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from runtime_factory import make_runtime

from builder.core.errors import ToolFailedError, ToolMissingError, VerifyUsageError
from builder.core.process import Command, ProcessResult
from builder.image.base import servers
from builder.image.base.servers import POSTGRES, REDIS, PackagedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Image:
    def __init__(self, label: str, server: PackagedServer = POSTGRES) -> None:
        self.labels = {server.label: label}


class OneImage:
    def __init__(self, found: Image | None) -> None:
        self._found = found

    def inspect_image(self, _: str) -> Image | None:
        return self._found


class Recorder:
    def __init__(self, code: Callable[[Command], int] = lambda _: 0) -> None:
        self.commands: list[Command] = []
        self._code = code

    def run(self, command: Command, **_: Any) -> ProcessResult:
        self.commands.append(command)
        return ProcessResult(command, self._code(command), "", "it went wrong")


def ensure(
    found: Image | None,
    runner: Any,
    cache: Path,
    env: Mapping[str, str] | None = None,
    server: PackagedServer = POSTGRES,
) -> str:
    engine: Any = OneImage(found)
    runtime = make_runtime(cache, {"XDG_CACHE_HOME": str(cache), **(env or {})}, runner=runner)
    return servers.ensure_server_image(runtime, engine, server)


@pytest.mark.parametrize(("server", "name"), [(POSTGRES, "optbuild-postgres:15"), (REDIS, "optbuild-redis:7")])
def test_an_image_of_the_same_content_is_made_once(server: PackagedServer, name: str, tmp_path: Path) -> None:
    runner = Recorder()
    found = Image(servers.hash_image_inputs(server), server)
    assert ensure(found, runner, tmp_path, server=server) == name
    assert runner.commands == []


def test_each_server_is_made_from_its_own_package_and_files(tmp_path: Path) -> None:
    runner = Recorder()
    ensure(None, runner, tmp_path, server=REDIS)
    assert "--include=redis-server" in runner.commands[0].argv
    assert not [word for command in runner.commands for word in command.argv if "postgres" in word]
    assert servers.hash_image_inputs(REDIS) != servers.hash_image_inputs(POSTGRES)


@pytest.mark.parametrize("found", [None, Image("of another content")])
def test_otherwise_it_is_made_from_packages_and_leaves_no_folder(found: Image | None, tmp_path: Path) -> None:
    runner = Recorder()
    ensure(found, runner, tmp_path)
    assert [command.argv[0] for command in runner.commands] == ["mmdebstrap", "docker"]
    assert f"{POSTGRES.label}={servers.hash_image_inputs(POSTGRES)}" in runner.commands[1].argv
    assert list((tmp_path / "optbuild").iterdir()) == []


def test_a_failure_says_which_other_ways_there_are(tmp_path: Path) -> None:
    with pytest.raises(ToolFailedError, match="it went wrong") as caught:
        ensure(None, Recorder(lambda _: 1), tmp_path)
    assert "--database sqlite" in str(caught.value)
    assert list((tmp_path / "optbuild").iterdir()) == []


def test_a_machine_without_mmdebstrap_is_told_how_to_get_it(tmp_path: Path) -> None:
    def missing(command: Command) -> int:
        raise ToolMissingError(command.argv[0], hint=command.install_hint)

    with pytest.raises(ToolMissingError, match="apt-get install mmdebstrap"):
        ensure(None, Recorder(missing), tmp_path)


def test_the_machines_own_source_is_used_and_named_nowhere_else(tmp_path: Path) -> None:
    mine, other = tmp_path / "debian.sources", tmp_path / "sources.list"
    other.write_text("deb https://mirror.example/debian bookworm main\n")
    assert servers.find_release_source({}, (mine, other)) == other
    mine.write_text("Types: deb\nURIs: https://mirror.example/debian\nSuites: bookworm bookworm-updates\n")
    assert servers.find_release_source({}, (mine, other)) == mine
    mine.write_text("Types: deb\nSuites: trixie\n")
    assert servers.find_release_source({}, (mine,)) is None
    argv = servers.make_mmdebstrap_argv(POSTGRES, Path("o.tar"), other)
    assert argv[-3:] == ("bookworm", "o.tar", str(other))
    assert "mirror.example" not in " ".join(argv)


def test_the_sources_file_of_the_environment_comes_first(tmp_path: Path) -> None:
    mine, named = tmp_path / "sources.list", tmp_path / "company.sources"
    mine.write_text("deb https://mirror.example/debian bookworm main\n")
    named.write_text("Types: deb\nURIs: https://company.example/debian\nSuites: bookworm\n")
    env = {"OPTBUILD_DEBIAN_SOURCES": str(named)}
    assert servers.find_release_source(env, (mine,)) == named
    runner = Recorder()
    ensure(None, runner, tmp_path / "cache", env)
    assert runner.commands[0].argv[-1] == str(named)
    named.write_text("Types: deb\nURIs: https://company.example/debian\nSuites: trixie\n")
    assert servers.find_release_source(env, (mine,)) == mine
    with pytest.raises(VerifyUsageError, match="which is not a file"):
        servers.find_release_source({"OPTBUILD_DEBIAN_SOURCES": str(tmp_path / "gone")}, (mine,))
