"""An engine, an image name of one's own, and real processes that build a tiny image under it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.files import hold_lock
from builder.core.naming import LABEL_PROJECT
from builder.engine.client import connect_engine
from builder.state import read_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.engine.client import Engine
    from builder.state import ProjectState

ROOT = Path(__file__).parents[3]
NAME_PREFIX = "optbuild-test-"
"""Then the process ID of pytest: see :func:`is_orphan`."""
Unpack = Callable[[str], Path]
Images = Callable[[str], tuple[str, ...]]
TINY = Path(__file__).parent / "build_tiny.py"


@pytest.fixture(scope="session")
def engine(run_folder: Path) -> Iterator[Engine]:
    """The real one; without it these tests fail. What killed test runs left on it is removed first."""
    with connect_engine(os.environ) as found:
        remove_orphaned_images(found, run_folder)
        yield found


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory, run_folder: Path) -> Unpack:
    """Gives the files of a Debian package, below a temporary folder: nothing is installed on this machine."""

    def unpack(package: str) -> Path:
        folder = tmp_path_factory.mktemp(package)
        folder.chmod(0o777)  # apt downloads as a user of its own
        with hold_lock(run_folder / "apt.lock", f"downloading {package}"):  # apt-get waits for no other
            if _download(package, folder).returncode:  # a fresh machine has no package lists, another has old ones
                subprocess.run(["apt-get", "update", "-qq"], check=True, capture_output=True)
                done = _download(package, folder)
                assert done.returncode == 0, done.stderr
        (archive,) = folder.glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", archive, folder / "root"], check=True)
        return folder / "root"

    return unpack


def _download(package: str, folder: Path) -> subprocess.CompletedProcess[str]:
    argv = ["apt-get", "download", "-qq", package]
    return subprocess.run(argv, cwd=folder, check=False, capture_output=True, text=True)


@pytest.fixture(scope="session")
def busybox(unpacked: Unpack) -> Path:
    """A static shell of 2 MB, from Debian: enough of a base for steps that run something."""
    return unpacked("busybox-static") / "bin/busybox"


@pytest.fixture
def name(engine: Engine) -> Iterator[str]:
    """An image name that nobody else has; afterwards every image of a project with it in its name is removed."""
    own = f"{NAME_PREFIX}{os.getpid()}-{uuid.uuid4().hex[:10]}"
    yield own
    remove(engine, lambda project: own in project)


def images_with(engine: Engine, label: str, value: str | None = None) -> tuple[str, ...]:
    """IDs of all images that carry the label, sorted."""
    wanted = label if value is None else f"{label}={value}"
    found = engine.client.api.images(filters={"label": [wanted]})
    return tuple(sorted({str(image["Id"]) for image in found}))


@pytest.fixture
def images(engine: Engine) -> Images:
    """Gives the IDs of a project's images, sorted."""
    return lambda project: images_with(engine, LABEL_PROJECT, project)


def remove(engine: Engine, mine: Callable[[str], bool]) -> None:
    """Take away all names of the images of those projects, and with the last name the image."""
    for image_id in images_with(engine, LABEL_PROJECT):
        image = engine.inspect_image(image_id)
        if image is None or not mine(image.labels[LABEL_PROJECT]):
            continue
        for reference in image.references or (image_id,):
            engine.client.api.remove_image(reference)


def remove_orphaned_images(engine: Engine, run_folder: Path) -> None:
    """One worker at a time: no image is removed twice."""
    with hold_lock(run_folder / "orphans.lock", "removing what killed tests left"):
        remove(engine, is_orphan)


@pytest.fixture
def sweep(engine: Engine, run_folder: Path) -> Callable[[], None]:
    """Does what the start of a session does."""
    return lambda: remove_orphaned_images(engine, run_folder)


def is_orphan(project: str) -> bool:
    """Whether it is of a test run that was killed: the name holds its process, which is gone."""
    owner = re.search(rf"\b{NAME_PREFIX}(\d+)-", project)
    return owner is not None and not Path("/proc", owner[1]).exists()


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
        return list((self.home / "cache/optbuild/contexts").glob("*"))

    def project(self, engine: Engine) -> ProjectState:
        return read_state(self.home / "state/optbuild").find_project(engine.info.identity, self.name)


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
def optbuild(name: str, tmp_path: Path, airflow_folder: Path) -> Optbuild:
    folder = tmp_path / "project"
    shutil.copytree(airflow_folder, folder)
    spec = folder / "optbuild.toml"
    spec.write_text(spec.read_text(encoding="utf-8").replace('"ml-pipeline-airflow"', f'"{name}"'), encoding="utf-8")
    return Optbuild(folder, tmp_path / "state")
