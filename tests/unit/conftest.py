"""Unit tests start no process and speak to no one: whoever tries is told, instead of being slow or lucky."""

from __future__ import annotations

import gc
import itertools
import os
import re
import socket
import subprocess
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from file_forks import COUNT_VARIABLE, Forks, read_count
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDERS_BESIDE = 64
"""Test folders in one folder: what lists the folders above its own would meet thousands otherwise."""

# A busy machine is no failure. Each run tries other examples, and `make soak` 3,000 of each test's.
settings.register_profile("unit", deadline=None, max_examples=40)
settings.register_profile("soak", deadline=None, max_examples=3000)
settings.load_profile("soak" if os.environ.get("OPTBUILD_SOAK") else "unit")

FORKS = Forks(read_count(os.environ.get(COUNT_VARIABLE)))

gc.disable()  # until all tests are collected: nothing that they are made of is garbage, and looking takes a third of it


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """None leaves it to pytest."""
    return FORKS.run(session)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    FORKS.show(terminalreporter)


def pytest_collection_finish() -> None:
    """What was collected stays until the end, so no later look at garbage needs to go through it."""
    gc.enable()
    gc.collect()
    gc.freeze()


class TripwireError(BaseException):
    """No ``Exception``: code under test that catches those must not hide it."""


def _raise(what: str) -> Any:
    def tripped(*args: object, **_kwargs: object) -> NoReturn:
        shown = [argument for argument in args if not isinstance(argument, (socket.socket, subprocess.Popen))]
        raise TripwireError(f"a unit test called {what}{shown!r}: pass a fake in, or move it to tests/integration")

    return tripped


@pytest.fixture(scope="session")
def _numbers() -> Iterator[int]:
    return itertools.count()


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, _numbers: Iterator[int]) -> Path:
    """As pytest's own, which looks through the folders of all tests before for a free number each time."""
    group, number = divmod(next(_numbers), FOLDERS_BESIDE)
    name = re.sub(r"\W", "_", request.node.name)[:30]
    folder = tmp_path_factory.getbasetemp() / str(os.getpid()) / str(group) / str(number) / name
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="session", autouse=True)
def _screen() -> Iterator[None]:
    """The width is a test's own, or the default: not that of the shell that runs them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("COLUMNS", "LINES"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def _tripwire() -> Iterator[None]:
    """Processes and connections are made in these places, whatever library asks for them.

    Laid once: for each of ten thousand tests it would take a second.
    """
    import docker  # noqa: PLC0415 - a test dependency of this fixture alone

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess.Popen, "__init__", _raise("subprocess.Popen"))
        for name in ("system", "posix_spawn", "posix_spawnp", "fork", "execv", "execve"):
            patch.setattr(os, name, _raise(f"os.{name}"))
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _raise(f"socket.{name}"))
        # The SDK would be stopped by its socket; this names the mistake.
        patch.setattr(docker.DockerClient, "__init__", _raise("docker.DockerClient"))
        yield
