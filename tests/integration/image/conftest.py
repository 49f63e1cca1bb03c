"""An engine, an image name of one's own, and real processes that build a tiny image under it."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from note_progress import NoteProgress
from remote_builder import remote_builder
from runtime_factory import make_runtime

from builder.core.files import hold_lock
from builder.core.naming import LABEL_PROJECT
from builder.core.process import LocalRunner
from builder.engine.buildx import BuildOptions
from builder.engine.client import connect_engine
from builder.image.build.model import BuildJob
from builder.image.build.preflight import DiskEstimate
from builder.image.render.model import CONTENT_PLACEHOLDER, BuildContext, ContextFile
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

    def start(self, *words: str, env: dict[str, str] | None = None, umask: int = -1) -> subprocess.Popen[str]:
        whole = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(self.state), **(env or {})}
        argv = [str(Path(sys.executable).with_name("optbuild")), *words]
        out = subprocess.PIPE
        return subprocess.Popen(argv, env=whole, stdout=out, stderr=out, text=True, cwd=self.folder, umask=umask)

    def run(self, *words: str, env: dict[str, str] | None = None, umask: int = -1) -> Done:
        process = self.start(*words, env=env, umask=umask)
        out, err = process.communicate(timeout=600)
        return Done(process.returncode, out, err)


@pytest.fixture
def optbuild(name: str, tmp_path: Path, airflow_folder: Path) -> Optbuild:
    folder = tmp_path / "project"
    shutil.copytree(airflow_folder, folder)
    spec = folder / "optbuild.toml"
    spec.write_text(spec.read_text(encoding="utf-8").replace('"ml-pipeline-airflow"', f'"{name}"'), encoding="utf-8")
    return Optbuild(folder, tmp_path / "state")


@dataclass(frozen=True)
class Registry:
    """Debian's docker-registry on a port of 127.0.0.1, with its log and its files."""

    address: str
    folder: Path

    def list_uploads(self) -> tuple[str, ...]:
        """Digests of all blobs that were sent so far, by the registry's own log: one line for each that was taken."""
        log = (self.folder / "log").read_text(errors="replace")
        return tuple(re.findall(r'"PUT /v2/\S+/blobs/uploads/\S+digest=sha256%3A([0-9a-f]{64}) HTTP/1.1" 201 ', log))

    def count_uploaded_bytes(self) -> int:
        """Of those blobs, each as often as it was sent."""
        blobs = self.folder / "data/docker/registry/v2/blobs/sha256"
        return sum((blobs / digest[:2] / digest / "data").stat().st_size for digest in self.list_uploads())

    def has_manifest(self, reference: str) -> bool:
        name, _, tag = reference.removeprefix(f"{self.address}/").rpartition(":")
        return (self.folder / "data/docker/registry/v2/repositories" / name / "_manifests/tags" / tag).is_dir()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory, unpacked: Unpack) -> Iterator[Registry]:
    program = unpacked("docker-registry") / "usr/bin/docker-registry"
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    settings = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": address},
    }
    (folder / "config.yml").write_text(json.dumps(settings))  # JSON is YAML
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([program, "serve", folder / "config.yml"], stdout=log, stderr=log)
    try:
        _wait_for(address, server, folder / "log")
        yield Registry(address, folder)
    finally:
        server.terminate()
        server.wait(timeout=10)


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{address}/v2/", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the registry did not start:\n{log.read_text()}")


@dataclass(frozen=True)
class RemoteBuilder:
    """A BuildKit with a store and caches of its own; ``env`` is what buildx needs to know it.

    ``engine`` is the address of the engine that it is a part of.
    """

    name: str
    env: dict[str, str]
    engine: str


@pytest.fixture
def fresh_builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteBuilder]:
    """Nobody has built anything there yet. It is a second engine with containerd's image store."""
    folder = tmp_path_factory.mktemp("builder")
    env = {**os.environ, "BUILDX_CONFIG": str(folder / "buildx")}
    own = f"{NAME_PREFIX}{uuid.uuid4().hex[:10]}"
    with remote_builder(folder, own, env) as address:
        yield RemoteBuilder(own, env, address)


EPOCH = 1_700_000_000
STEP = """\
FROM scratch AS base
ADD base.tar /
FROM base AS work
RUN --mount=type=cache,id={name},target=/cache ["/bin/busybox", "sh", "-c", "{shell} {run}; {stamp}"]
FROM base
COPY --link --from=work /out/ /
{end}LABEL optbuild.project="{name}" optbuild.content="{content}"
"""
"""One step of busybox, whose /out is the second layer of the image."""
SHELL = "set -e; export PATH=/bin; busybox --install -s /bin; mkdir /out;"
STAMP = f"touch -h -d @{EPOCH} /out/* /out"
RUN = "echo one > /out/file"


@dataclass(frozen=True)
class SmallJobs:
    """Makes jobs of :data:`STEP`; everything but the context is the product's own."""

    engine: Engine
    home: Path
    busybox: Path
    notes: NoteProgress

    def make(
        self,
        name: str,
        *,
        run: str = RUN,
        end: str = "",
        env: dict[str, str] | None = None,
        push_directly: bool = False,
        **options: Any,
    ) -> BuildJob:
        text = STEP.format(shell=SHELL, run=run, stamp=STAMP, end=end, name=name, content=CONTENT_PLACEHOLDER)
        context = BuildContext((ContextFile("Dockerfile", text.encode()),), "linux/amd64", EPOCH)
        runtime = make_runtime(self.home, env or os.environ, runner=LocalRunner(), progress=self.notes)
        folders = {"XDG_STATE_HOME": str(self.home / "state"), "XDG_CACHE_HOME": str(self.home / "cache")}
        runtime = replace(runtime, env={**runtime.env, **folders})
        return BuildJob(
            runtime,
            context,
            name,
            self.engine,
            BuildOptions(**options),
            self.prepare,
            DiskEstimate(1_000_000),
            push_directly,
        )

    def prepare(self, _context: BuildContext, folder: Path) -> None:
        """base.tar: a shell, and the folders that the step writes to, each with a time that is always the same."""
        with tarfile.open(folder / "base.tar", "w") as tar:
            for path in ("bin", "cache", "dev", "etc", "proc", "sys"):  # else each RUN makes those that it mounts to
                self._add(tar, path, None)
            self._add(tar, "bin/busybox", self.busybox.read_bytes())

    @staticmethod
    def _add(tar: tarfile.TarFile, path: str, data: bytes | None) -> None:
        member = tarfile.TarInfo(path)
        member.mode, member.mtime = 0o755, EPOCH
        if data is None:
            member.type = tarfile.DIRTYPE
        else:
            member.size = len(data)
        tar.addfile(member, io.BytesIO(data or b""))


@pytest.fixture
def small(engine: Engine, tmp_path: Path, busybox: Path) -> SmallJobs:
    return SmallJobs(engine, tmp_path / "home", busybox, NoteProgress())
