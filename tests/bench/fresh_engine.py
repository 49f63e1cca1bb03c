"""A second Docker engine with an empty data root: no image, no build cache, nothing of the first one."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import docker
import docker.errors

if TYPE_CHECKING:
    from collections.abc import Iterator

BRIDGE_PREFIX = "optb-"
"""Then the process ID of whoever starts the engine: a network interface's name has at most 15 characters."""
START_SECONDS = 60


@contextlib.contextmanager
def bridge() -> Iterator[str]:
    """A network that the running engine makes and routes; the second engine only attaches containers to it.

    A second dockerd without a bridge of its own would delete the first one's docker0.
    """
    client = docker.from_env()
    for stale in client.networks.list(names=[BRIDGE_PREFIX]):
        if not Path("/proc", str(stale.name).removeprefix(BRIDGE_PREFIX)).exists():
            with contextlib.suppress(docker.errors.NotFound):  # another process saw it too
                stale.remove()
    name = f"{BRIDGE_PREFIX}{os.getpid()}"
    network = client.networks.create(name, driver="bridge", options={"com.docker.network.bridge.name": name})
    try:
        yield name
    finally:
        network.remove()
        client.close()


@contextlib.contextmanager
def second_engine(folder: Path, *options: str, one_processor: bool = False) -> Iterator[str]:
    """A dockerd with an empty data root, and ``options`` more; yields its address and ends it."""
    with bridge() as name, start_engine(folder, name, *options, one_processor=one_processor) as address:
        yield address


@contextlib.contextmanager
def start_engine(folder: Path, network: str, *options: str, one_processor: bool = False) -> Iterator[str]:
    """The same on a :func:`bridge` that is there: several engines of one process may share it. ``one_processor``: it
    and all that it starts have no other."""
    address = f"unix://{folder}/docker.sock"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *("setpriv", "--pdeathsig", "TERM"),  # it ends with this process, however that ends
                *(("taskset", "--cpu-list", str(min(os.sched_getaffinity(0)))) if one_processor else ()),
                *("dockerd", "--host", address, "--pidfile", str(folder / "pid"), "--bridge", network),
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
            unmount_below(folder)


def unmount_below(folder: Path) -> None:
    """What an engine that was ended within a build leaves: its mounts would keep the folder from being removed."""
    points = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for point in sorted((point for point in points if point.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", point], check=True)


def wait_for(address: str, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        asked = subprocess.run(["docker", "--host", address, "version"], capture_output=True, check=False)
        if asked.returncode == 0:
            return
        time.sleep(0.3)
    raise RuntimeError(f"the second engine did not start:\n{log.read_text()[-3000:]}")
