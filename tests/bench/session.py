"""One run's engine with nothing on it, its registry, and what is asked of them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from baseline import INDEX, make_compose_file, write_pins, write_requirements
from bases import BASE, BUILDER
from control_group import enter_control_group
from fresh_engine import bridge, start_engine
from registry import start_registry

from builder.core.process import LocalRunner
from builder.engine.secrets import find_secrets
from builder.image.lock.uv import find_uv

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from baseline import Baseline
    from control_group import ControlGroup
    from registry import Registry

    from builder.image.lock.model import Distribution

STEP_SECONDS = 1200
THREE = ("webserver", "scheduler", "init")


@dataclass(frozen=True)
class Engine:
    """A dockerd that nobody else uses: here alone everything may be removed."""

    address: str
    folder: Path

    def run(self, *words: str, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
        """A docker command; what it printed. Raises RuntimeError with the end of what it said."""
        whole = {**os.environ, **(env or {}), "DOCKER_HOST": self.address}
        return run_command(("docker", *words), whole, cwd)

    def empty(self) -> None:
        """No image and no build cache, cache mounts included. Raises RuntimeError if some is left."""
        if images := self.run("images", "--all", "--quiet", "--no-trunc").split():
            self.run("rmi", "--force", *dict.fromkeys(images))
        self.run("builder", "prune", "--all", "--force")
        left = self.run("buildx", "du").splitlines()
        if sizes := [line for line in left if line.startswith("Total:") and line.split()[1] != "0B"]:
            raise RuntimeError(f"the build cache was emptied and is not empty: {sizes[0]}")

    def find_image(self, reference: str) -> str | None:
        """Its ID."""
        return self.run("images", "--quiet", "--no-trunc", reference).strip() or None

    def measure_unpacked(self, reference: str) -> int:
        """Bytes: the sum of its layers' regular files (the overlay2 store counts so)."""
        return int(self.run("image", "inspect", "--format", "{{.Size}}", reference))

    def use_processors(self, count: int) -> None:
        """Let the engine and all that it starts run on the first ``count`` processors of this machine."""
        processors = set(sorted(os.sched_getaffinity(0))[:count])
        for thread in Path("/proc", (self.folder / "pid").read_text().strip(), "task").iterdir():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(int(thread.name), processors)


@dataclass(frozen=True)
class Session:
    """``folder`` holds everything of the run but its results."""

    folder: Path
    group: ControlGroup
    network: str
    engine: Engine
    registry: Registry

    def push(self, reference: str, repository: str, tag: str) -> int:
        """Bytes of blobs that the registry had not."""
        name = f"{self.registry.address}/{repository}:{tag}"
        self.engine.run("tag", reference, name)
        return self.registry.count_pushed_bytes(lambda: self.engine.run("push", "--quiet", name))

    def build_baseline(self, folder: Path, tag: str, *, no_cache: bool = False) -> None:
        """The context below ``folder`` (:func:`write_baseline`)."""
        secrets = find_secrets(os.environ)
        options = ("--progress", "plain", "--load", "--provenance=false", *(("--no-cache",) if no_cache else ()))
        words = ("buildx", "build", *options, *secrets.make_argv(), "--tag", tag, str(folder))
        self.engine.run(*words, env=secrets.make_environment())

    def compose_build(self, folder: Path) -> None:
        """All services of the compose file there, in one command."""
        secrets = find_secrets(os.environ)
        self.engine.run(
            "compose", "--progress", "plain", "build", "--no-cache", env=secrets.make_environment(), cwd=folder
        )


@contextlib.contextmanager
def open_session(folder: Path) -> Iterator[Session]:
    """A control group, an engine in it, a registry; all ended and removed afterwards but for ``folder``."""
    engine, registry = folder / "engine", folder / "registry"
    for path in (engine, registry):
        path.mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        group = stack.enter_context(enter_control_group())
        network = stack.enter_context(bridge())
        counted = ("--cgroup-parent", group.containers, "--exec-opt", "native.cgroupdriver=cgroupfs")
        address = stack.enter_context(start_engine(engine, network, *counted))
        yield Session(folder, group, network, Engine(address, engine), stack.enter_context(start_registry(registry)))


@contextlib.contextmanager
def open_other_engine(session: Session, name: str, *options: str) -> Iterator[Engine]:
    """Another empty engine: what pulls, or what keeps images in another way."""
    folder = session.folder / name
    folder.mkdir()
    with start_engine(folder, session.network, *options) as address:
        yield Engine(address, folder)
    shutil.rmtree(folder)


def write_baseline(baseline: Baseline, distributions: tuple[Distribution, ...], bases: Path, folder: Path) -> Path:
    """The context of one baseline, anew: Dockerfile, requirements, uv, the given base, and a compose file of three."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text(baseline.dockerfile)
    (folder / "requirements.txt").write_text(write_requirements(distributions))
    (folder / "pins.txt").write_text(write_pins(distributions))
    (folder / "index.sh").write_text(INDEX)
    for name in (BASE, BUILDER):
        link_or_copy(bases / name, folder / name)
    shutil.copy(find_uv(LocalRunner(), dict(os.environ), sys.executable).executable, folder / "uv")
    secrets = find_secrets(os.environ)
    sources = {secret.id: f"file: {secret.path}" for secret in secrets.files}
    sources |= {secret.id: f"environment: {secret.variable}" for secret in secrets.values}
    (folder / "compose.yaml").write_text(make_compose_file(THREE, sources))
    return folder


def link_or_copy(source: Path, target: Path) -> None:
    """A link, or a copy on another file system."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)


def run_command(argv: tuple[str, ...], env: Mapping[str, str], cwd: Path | None = None, umask: int = -1) -> str:
    """What it printed. Raises RuntimeError with what it said, also when it takes longer than any step may."""
    try:
        done = subprocess.run(
            argv, env=dict(env), cwd=cwd, umask=umask, capture_output=True, text=True, check=False, timeout=STEP_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"{' '.join(argv[:4])} ... took more than {STEP_SECONDS} s and was ended") from error
    if done.returncode:
        said = f"{done.stdout[-1500:]}\n{done.stderr[-3000:]}"
        raise RuntimeError(f"{' '.join(argv[:4])} ... failed with {done.returncode}:\n{said}")
    return done.stdout
