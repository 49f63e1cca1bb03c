"""An engine that is killed in the middle of a build: exit code 3 with a remedy, the old tags stand, nothing is left."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fresh_engine import bridge, start_engine

from builder.engine.client import connect_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.engine.client import Engine

pytestmark = pytest.mark.soak
STEP = "/bin/busybox sleep 61"
"""No other test sleeps as long."""


@pytest.fixture
def root() -> Iterator[Path]:
    """The folder of a second engine, its name short enough for sockets; what its killed process left running and
    mounted is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="optbuild-test-"))
    yield folder
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = entry.read_bytes()
            if os.fsencode(folder) in words or words.endswith(b"sleep\x0061\x00"):
                os.kill(int(entry.parent.name), signal.SIGKILL)
    time.sleep(0.5)
    for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
        if (place := line.split()[1]).startswith(str(folder)):
            subprocess.run(("umount", "--lazy", place), check=False)
    shutil.rmtree(folder, ignore_errors=True)


def connect(address: str) -> Engine:
    return connect_engine({**os.environ, "DOCKER_HOST": address})


def ids(address: str, tiny: Any) -> set[str | None]:
    with connect(address) as engine:
        return {engine.find_image_id(reference) for reference in tiny.references}


def list_images(address: str) -> set[str]:
    with connect(address) as engine:
        return {str(image["Id"]) for image in engine.client.api.images()}


def kill_in_the_middle(tiny: Any, root: Path, address: str) -> tuple[int, str]:
    """SIGKILL to the engine while a step of a build runs; how the build ended."""
    process = tiny.start("--content", "new", "--run", STEP, env={"DOCKER_HOST": address})
    said = []
    for line in process.stderr:
        said.append(line)
        if "] RUN" in line:
            break
    os.kill(int((root / "pid").read_text()), signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    return process.returncode, "".join(said) + err


def test_an_engine_killed_in_a_build(tiny: Any, root: Path) -> None:
    with bridge() as network:
        with start_engine(root, network) as address:
            good = tiny.run("--content", "good", env={"DOCKER_HOST": address}).json["id"]
            code, err = kill_in_the_middle(tiny, root, address)
        assert code == 3, err
        assert "Traceback" not in err
        assert "next: the engine ended" in err
        assert tiny.contexts() == []
        with start_engine(root, network) as address:
            assert ids(address, tiny) == {good}
            new = tiny.run("--content", "new", env={"DOCKER_HOST": address})
            assert ids(address, tiny) == {new.json["id"]}
            assert list_images(address) == {good, new.json["id"]}
            assert tiny.contexts() == []
