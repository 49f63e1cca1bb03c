"""A second Docker engine with an empty data root: no image, no build cache, nothing of the first one."""

from __future__ import annotations

import contextlib
import subprocess
import time
from typing import TYPE_CHECKING

import docker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BRIDGE = "optbuild-test0"
START_SECONDS = 60


@contextlib.contextmanager
def bridge() -> Iterator[str]:
    """A network that the running engine makes and routes; the second engine only attaches containers to it.

    A second dockerd without a bridge of its own would delete the first one's docker0.
    """
    client = docker.from_env()
    options = {"com.docker.network.bridge.name": BRIDGE}
    for stale in client.networks.list(names=[BRIDGE]):
        stale.remove()
    network = client.networks.create(BRIDGE, driver="bridge", options=options)
    try:
        yield BRIDGE
    finally:
        network.remove()
        client.close()


@contextlib.contextmanager
def second_engine(folder: Path, *options: str) -> Iterator[str]:
    """A dockerd with an empty data root, and ``options`` more; yields its address and ends it."""
    address = f"unix://{folder}/docker.sock"
    with bridge() as name, (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *("dockerd", "--host", address, "--pidfile", str(folder / "pid"), "--bridge", name),
                *("--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")),
                *("--iptables=false", "--ip6tables=false", *options),
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            wait_for(address, folder / "log")
            yield address
        finally:
            process.terminate()
            process.wait(timeout=30)


def wait_for(address: str, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        asked = subprocess.run(["docker", "--host", address, "version"], capture_output=True, check=False)
        if asked.returncode == 0:
            return
        time.sleep(0.3)
    raise RuntimeError(f"the second engine did not start:\n{log.read_text()[-3000:]}")
