"""The tripwire of the unit tests trips."""

from __future__ import annotations

import os
import socket
import subprocess
from typing import TYPE_CHECKING

import docker
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


def _connect() -> None:
    with socket.socket() as one:
        one.connect(("127.0.0.1", 9))


CALLS: dict[str, Callable[[], object]] = {
    "popen": lambda: subprocess.Popen(["true"]),
    "run": lambda: subprocess.run(["true"], check=False),
    "system": lambda: os.system("true"),  # noqa: S605 - it is what must trip
    "connect": _connect,
    "docker": lambda: docker.DockerClient(base_url="tcp://127.0.0.1:9"),
    "docker from env": docker.from_env,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_unit_test_cannot_reach_out(call: Callable[[], object]) -> None:
    with pytest.raises(BaseException, match="a unit test called"):
        call()
