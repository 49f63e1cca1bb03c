"""An engine, an image name of one's own, and real processes that build a tiny image under it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from builder.engine.client import connect
from builder.naming import LABEL_PROJECT
from builder.state import read_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.engine.client import Engine
    from builder.state import Project

ROOT = Path(__file__).parents[3]
TINY = Path(__file__).parent / "build_tiny.py"


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The real one; without it these tests fail."""
    with connect(os.environ) as found:
        yield found


@pytest.fixture(scope="session")
def busybox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A static shell of 2 MB, from Debian: enough of a base for steps that run something."""
    folder = tmp_path_factory.mktemp("busybox")
    folder.chmod(0o777)
    subprocess.run(["apt-get", "download", "-qq", "busybox-static"], cwd=folder, check=True, capture_output=True)
    (package,) = folder.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", package, folder / "root"], check=True)
    return folder / "root/bin/busybox"


@pytest.fixture
def name(engine: Engine) -> Iterator[str]:
    """An image name that nobody else has; afterwards every image of that project is removed, by its names."""
    own = f"optbuild-test-{uuid.uuid4().hex[:10]}"
    yield own
    remove(engine, own)


def remove(engine: Engine, project: str) -> None:
    """Take away all names of the project's images, and with the last name the image."""
    for image_id in engine.images_with(LABEL_PROJECT, project):
        image = engine.image(image_id)
        for reference in (image.references if image else ()) or (image_id,):
            engine.client.api.remove_image(reference)


@dataclass(frozen=True)
class Done:
    """How a process ended; ``json`` is its last line of output."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        assert self.code == 0, self.err
        found: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return found


@dataclass(frozen=True)
class Tiny:
    """Builds of one tiny project, each in a process of its own, with a state and a cache that are the test's."""

    name: str
    home: Path
    busybox: Path

    def start(self, *words: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        argv = [sys.executable, str(TINY), self.name, str(self.home), "--busybox", str(self.busybox), *words]
        whole = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **(env or {})}
        return subprocess.Popen(
            argv, env=whole, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.home.parent
        )

    def run(self, *words: str, env: dict[str, str] | None = None) -> Done:
        process = self.start(*words, env=env)
        out, err = process.communicate(timeout=120)
        return Done(process.returncode, out, err)

    @property
    def references(self) -> tuple[str, ...]:
        roles = ("", "-web", "-init")
        return tuple(f"{self.name}{role}:{tag}" for role in roles for tag in ("latest", "v1"))

    def contexts(self) -> list[Path]:
        """Temporary contexts that lie around."""
        return list((self.home / "cache/contexts").glob("*"))

    def project(self, engine: Engine) -> Project:
        return read_state(self.home / "state").project(engine.info.identity, self.name)


@pytest.fixture
def tiny(name: str, tmp_path: Path, busybox: Path) -> Tiny:
    return Tiny(name, tmp_path / "home", busybox)


@dataclass(frozen=True)
class Optbuild:
    """The real command on a copy of images/airflow under a name of its own, with a state of its own.

    The cache is this machine's: what it holds was made from the same content.
    """

    folder: Path
    state: Path

    def start(self, *words: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        whole = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(self.state), **(env or {})}
        argv = [str(Path(sys.executable).with_name("optbuild")), *words]
        return subprocess.Popen(
            argv, env=whole, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder
        )

    def run(self, *words: str, env: dict[str, str] | None = None) -> Done:
        process = self.start(*words, env=env)
        out, err = process.communicate(timeout=600)
        return Done(process.returncode, out, err)


@pytest.fixture
def optbuild(name: str, tmp_path: Path) -> Optbuild:
    folder = tmp_path / "project"
    folder.mkdir()
    for file in ("optbuild.toml", "optbuild.lock"):
        text = (ROOT / "images/airflow" / file).read_text(encoding="utf-8")
        (folder / file).write_text(text.replace('"ml-pipeline-airflow"', f'"{name}"'), encoding="utf-8")
    return Optbuild(folder, tmp_path / "state")
