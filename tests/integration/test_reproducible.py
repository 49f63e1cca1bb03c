"""Two engines with build caches of their own, two folders, two umasks: one image ID.

`--no-cache` on one engine would pass falsely (BuildKit hides the wall clock of some steps in its cache), so the second
build runs on a second dockerd with an empty data root, which also makes the Debian base anew.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator  # noqa: TC003
from pathlib import Path

import docker
import pytest

REPOSITORY = Path(__file__).parents[2]
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
def second_engine(folder: Path) -> Iterator[str]:
    """A dockerd with an empty data root; yields its address and ends it."""
    address = f"unix://{folder}/docker.sock"
    with bridge() as name, (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *("dockerd", "--host", address, "--pidfile", str(folder / "pid"), "--bridge", name),
                *("--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")),
                *("--iptables=false", "--ip6tables=false"),
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
    pytest.fail(f"the second engine did not start:\n{log.read_text()[-3000:]}")


def build(image: Path, umask: int, environment: dict[str, str], cache: Path) -> str:
    """The image ID that ``optbuild build`` reports."""
    folder = cache / "image"
    shutil.copytree(image, folder)
    environment = {
        **os.environ,
        **environment,
        "XDG_CACHE_HOME": str(cache / "cache"),
        "XDG_STATE_HOME": str(cache / "state"),
    }
    command = [str(Path(sys.executable).with_name("optbuild")), "build", str(folder), "--format", "json"]
    done = subprocess.run(command, env=environment, umask=umask, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return str(json.loads(done.stdout)["image_id"])


@pytest.mark.timeout(1500)
def test_one_image_id_from_two_empty_caches(tmp_path_factory: pytest.TempPathFactory) -> None:
    one, two, engine = (tmp_path_factory.mktemp(name) for name in ("one", "two-other", "engine"))
    image = REPOSITORY / "images/airflow"
    first = build(image, 0o022, {}, one)
    with second_engine(engine) as address:
        second = build(image, 0o077, {"DOCKER_HOST": address}, two)
    assert first == second
