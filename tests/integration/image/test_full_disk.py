"""A disk that is full, or becomes it in a build: exit code 3 with numbers, the old tags stand, nothing is left.

Each disk is a small file system in a file.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fresh_engine import second_engine

from builder.engine.client import connect_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[3]
MAIN = "from builder.cli.main import main; main()"
FILL = "/bin/busybox dd if=/dev/zero of=/filler bs=1M"
NUMBERS = re.compile(r"has [\d,]+ MB free; this build needs about [\d,]+ MB")


@pytest.fixture
def mount_disk(tmp_path: Path) -> Iterator[Callable[[Path, int], None]]:
    """Mounts an empty file system of so many megabytes at a folder."""
    mounted: list[Path] = []

    def mount(folder: Path, megabytes: int) -> None:
        image = tmp_path / f"disk-{len(mounted)}"
        with image.open("wb") as stream:
            stream.truncate(megabytes << 20)
        subprocess.run(("mkfs.ext4", "-q", "-m", "0", image), check=True)
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(("mount", "-o", "loop", image, folder), check=True)
        mounted.append(folder)

    yield mount
    for folder in reversed(mounted):
        subprocess.run(("umount", "--lazy", folder), check=True)
        folder.rmdir()


def ids(address: str, tiny: Any) -> set[str | None]:
    with connect_engine({**os.environ, "DOCKER_HOST": address}) as engine:
        return {engine.find_image_id(reference) for reference in tiny.references}


def check_refusal(code: int, err: str) -> None:
    assert code == 3, err
    assert "Traceback" not in err
    assert NUMBERS.search(err), err
    assert "next: free some disk" in err


def test_the_cache_on_a_full_disk(tiny: Any, engine: Any, mount_disk: Callable[[Path, int], None]) -> None:
    """Refused before anything is written; and, where the estimate was wrong, when it is full."""
    mount_disk(tiny.home / "cache", 3)
    good = tiny.run("--content", "good", "--estimate", "1")
    check_refusal(good.code, good.err)
    assert "No space left" in good.err
    assert tiny.contexts() == []
    refused = tiny.run("--content", "good")
    check_refusal(refused.code, refused.err)
    assert {engine.find_image_id(reference) for reference in tiny.references} == {None}


def test_a_lock_with_the_cache_on_a_full_disk(tmp_path: Path, mount_disk: Callable[[Path, int], None]) -> None:
    mount_disk(cache := tmp_path / "cache", 3)
    shutil.copytree(ROOT / "images/airflow", project := tmp_path / "project")
    before = (project / "optbuild.lock").read_bytes()
    env = {**os.environ, "XDG_CACHE_HOME": str(cache), "XDG_STATE_HOME": str(tmp_path / "state")}
    argv = (sys.executable, "-c", MAIN, "lock", "--refresh-debian", str(project))
    done = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 3, done.stderr
    assert re.search(r"has \d MB free; a lock needs about 150 MB", done.stderr)
    assert "next: make room there" in done.stderr
    assert (project / "optbuild.lock").read_bytes() == before
    assert sorted(path.name for path in project.iterdir()) == ["optbuild.lock", "optbuild.toml"]


@pytest.mark.soak
def test_the_engine_on_a_disk_that_becomes_full(tiny: Any, mount_disk: Callable[[Path, int], None]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="optbuild-test-"))  # short enough for sockets
    mount_disk(folder, 200)
    with second_engine(folder) as address:
        env = {"DOCKER_HOST": address}
        good = tiny.run("--content", "good", env=env).json["id"]
        full = tiny.run("--content", "new", "--run", FILL, env=env)
        check_refusal(full.code, full.err)
        assert ids(address, tiny) == {good}
        assert tiny.contexts() == []
        refused = tiny.run("--content", "new", "--estimate", "1000000000", env=env)
        check_refusal(refused.code, refused.err)
        new = tiny.run("--content", "new", env=env).json["id"]
        assert ids(address, tiny) == {new}
        with connect_engine({**os.environ, **env}) as engine:
            assert {str(image["Id"]) for image in engine.client.api.images()} == {good, new}
