"""The seed project as a running stack, for the tests that change it: started, asked, ended."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.core.process import Command, LocalRunner, ProcessResult

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.engine.client import Engine

FIXTURES = Path(__file__).parents[2] / "fixtures"
SHARERS = ("airflow-init", "airflow-scheduler", "airflow-webserver")
MAIN = "from builder.cli.main import main; main()"
HEALTHY_SECONDS = 120.0


@dataclass(frozen=True)
class Stack:
    """A project folder whose name is the project's name; ``env`` is that of every command run in it."""

    folder: Path
    env: dict[str, str]
    sharers: tuple[str, ...] = SHARERS
    """The services that build from one Dockerfile."""

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def file(self) -> Path:
        return self.folder / "docker-compose.yml"

    def docker(self, *words: str, ok: bool = True) -> ProcessResult:
        return self._run(("docker", *words), ok=ok)

    def compose(self, *words: str, ok: bool = True) -> ProcessResult:
        return self._run(("docker", "compose", *words), ok=ok)

    def optbuild(self, *words: str, ok: bool = True) -> ProcessResult:
        return self._run((sys.executable, "-c", MAIN, *words), ok=ok)

    def _run(self, argv: tuple[str, ...], *, ok: bool) -> ProcessResult:
        done = LocalRunner().run(Command(argv, cwd=self.folder, env=self.env, timeout=900))
        assert done.ok or not ok, f"{argv} failed with {done.code}:\n{done.out}\n{done.err}"
        return done

    def build_apart(self) -> None:
        """Each service by itself and without cache: what other days and other machines make of it."""
        for service in self.sharers:
            self.compose("build", "--no-cache", service)

    def up(self) -> None:
        self.compose("up", "--detach", "--wait")

    def containers(self) -> dict[str, dict[str, Any]]:
        """Service → what the engine knows of its one container, stopped ones too."""
        identities = self.compose("ps", "--all", "--quiet").out.split()
        found = json.loads(self.docker("inspect", *identities).out) if identities else []
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in found}

    def image_ids(self) -> set[str]:
        """Of the sharers' containers."""
        containers = self.containers()
        return {containers[service]["Image"] for service in self.sharers}

    def find_address(self, service: str) -> str:
        """Of port 8080 of the service, as this machine reaches it."""
        bindings = self.containers()[service]["NetworkSettings"]["Ports"]["8080/tcp"]
        return f"http://127.0.0.1:{bindings[0]['HostPort']}"

    def webserver_is_healthy(self) -> bool:
        """By asking it, as a person's browser would."""
        address = f"{self.find_address('airflow-webserver')}/health"
        end = time.monotonic() + HEALTHY_SECONDS
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(address, timeout=5) as answer:
                    health = json.load(answer)
            except OSError:
                health = {}
            if all(health.get(part, {}).get("status") == "healthy" for part in ("metadatabase", "scheduler")):
                return True
            time.sleep(1)
        return False

    def sql(self, query: str) -> str:
        words = ("exec", "-T", "postgres", "psql", "-U", "airflow", "-d", "airflow", "-Atc", query)
        return self.compose(*words).out.strip()

    def remove(self) -> None:
        """Everything of this project that the tests made, its volume and images too."""
        self.compose("down", "--volumes", "--timeout", "2", ok=False)
        remove_images(self.name)


def remove_orphaned_stacks() -> None:
    """Removes the stacks of the tests of a pytest that was killed: a stack's name holds its process."""
    runner = LocalRunner()
    argv = ("docker", "ps", "--all", "--filter=name=^(seed|dropin)", '--format={{.Label "com.docker.compose.project"}}')
    for name in set(runner.run(Command(argv, timeout=60)).out.split()):
        owner = re.match(r"(?:seed|dropin)(\d+)x", name)
        if owner and not Path("/proc", owner[1]).exists():
            runner.run(Command(("docker", "compose", "--project-name", name, "down", "--volumes"), timeout=120))
            remove_images(name)


def remove_images(project: str) -> None:
    """Those that a project's services built, by all their names, and the one that its optbuild.toml makes."""
    runner = LocalRunner()
    argv = ("docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
    for line in runner.run(Command(argv, timeout=60)).out.split():
        if line.startswith((f"{project}-", f"{project}_", f"{project}:")):
            runner.run(Command(("docker", "image", "rm", line), timeout=120))


def new_stack(parent: Path, name: str, *, fixture: str = "seed-live", sharers: tuple[str, ...] = SHARERS) -> Stack:
    """A copy of a fixture. The state is the copy's own, so that tests do not see each other's journals."""
    folder = parent / name
    shutil.copytree(FIXTURES / fixture, folder)
    return Stack(folder, make_stack_environment(parent), sharers)


def make_stack_environment(parent: Path) -> dict[str, str]:
    """This one, without what would steer Compose, with a state below ``parent``."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("COMPOSE_")}
    root = str(Path(__file__).parents[3])
    return {**env, "XDG_STATE_HOME": str(parent / "state"), "PYTHONPATH": root}


def lend_names(engine: Engine, wanted: dict[str, str]) -> Iterator[None]:
    """Name → the image that stands in for it, where this engine has none of that name."""
    remove_orphaned_stacks()
    given = {name: source for name, source in wanted.items() if engine.find_image_id(name) is None}
    for name, source in given.items():
        source_id = engine.find_image_id(source)
        assert source_id is not None
        engine.tag(source_id, name)
    yield
    for name in given:
        engine.untag(name)
