"""A stack of tiny services that start in no time: three builds of one Dockerfile, and something like a database."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.core.process import Command, LocalRunner, ProcessResult

DRIVER = Path(__file__).with_name("optimize_tiny.py")
TEST_LABEL = "optbuild.test"
SHARERS = ("init", "web", "worker")
COMPOSE = """\
# The file of a test: comments stay.
x-common: &common
  build: .
  init: true
  stop_grace_period: 1s
services:
  db:
    image: {postgres}
    entrypoint: [sleep, infinity]
    init: true
    volumes: ["data:/data"]
    labels: {{ {label}: "{owner}" }}
  init:
    <<: *common
    command: ["true"]   # does its work and ends
    labels: {{ {label}: "{owner}" }}
  web:
    <<: *common
    depends_on:
      init: {{ condition: service_completed_successfully }}
      db: {{ condition: service_started }}
    healthcheck: {{ test: [CMD, test, "!", -e, /broken], interval: 0.2s, retries: 1, timeout: 30s }}
    labels: {{ {label}: "{owner}" }}
  worker:
    <<: *common
    depends_on: [db]
    labels: {{ {label}: "{owner}" }}
volumes:
  data:
"""
DOCKERFILE = """\
FROM {postgres}
USER root
ENTRYPOINT []
LABEL {label}="{owner}"
RUN echo {name} > /name
CMD ["sleep", "infinity"]
"""


@dataclass(frozen=True)
class Tiny:
    """A project folder, and the state of optbuild beside it."""

    folder: Path
    env: dict[str, str]

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def file(self) -> Path:
        return self.folder / "compose.yaml"

    @property
    def shared(self) -> str:
        return f"{self.name}-shared:latest"

    def run(self, *argv: str, ok: bool = True, **env: str) -> ProcessResult:
        done = LocalRunner().run(Command(argv, cwd=self.folder, env={**self.env, **env}, timeout=120))
        assert done.ok or not ok, f"{argv} failed with {done.code}:\n{done.out}\n{done.err}"
        return done

    def compose(self, *words: str) -> ProcessResult:
        return self.run("docker", "compose", *words)

    def optbuild(self, *words: str, ok: bool = True, **env: str) -> ProcessResult:
        """The real command, in the process that can kill itself."""
        return self.run(sys.executable, str(DRIVER), *words, ok=ok, **env)

    def optimize(self, *words: str, ok: bool = True, **env: str) -> ProcessResult:
        return self.optbuild("optimize", "--group", "web", "--yes", *words, ok=ok, **env)

    def rollback(self, *, ok: bool = True, **env: str) -> ProcessResult:
        return self.optbuild("rollback", "--yes", ok=ok, **env)

    def containers(self) -> dict[str, dict[str, Any]]:
        """By container name."""
        listed = self.compose("ps", "--all", "--quiet").out.split()
        if not listed:
            return {}
        found = json.loads(self.run("docker", "inspect", *listed).out)
        return {one["Name"].removeprefix(f"/{self.name}-"): one for one in found}

    def images(self) -> dict[str, str]:
        """Container → image ID."""
        return {name: one["Image"] for name, one in self.containers().items()}

    def states(self) -> dict[str, tuple[str, str, int]]:
        """Container → image ID, status, exit code."""
        return {
            name: (one["Image"], one["State"]["Status"], one["State"]["ExitCode"])
            for name, one in self.containers().items()
        }

    def names(self) -> dict[str, str]:
        """Image name → ID, of this project."""
        template = "--format={{.Repository}}:{{.Tag}} {{.ID}}"
        lines = self.run("docker", "images", "--no-trunc", template).out.splitlines()
        return dict(line.split() for line in lines if line.startswith(self.name))

    def leftovers(self) -> list[str]:
        """Files that should not stay."""
        journals = Path(self.env["XDG_STATE_HOME"]) / "optbuild" / "compose"
        found = [*self.folder.iterdir(), *(journals.iterdir() if journals.is_dir() else ())]
        return [
            one.name for one in found if one.name.startswith(".") or ".open." in one.name or ".overlay." in one.name
        ]

    def snapshot(self) -> dict[str, Any]:
        """What a person would compare."""
        files = {one.name: one.read_bytes() for one in sorted(self.folder.iterdir())}
        return {"files": files, "names": self.names(), "states": self.states(), "db": self.containers()["db-1"]["Id"]}

    def remove(self) -> None:
        self.run("docker", "compose", "down", "--volumes", "--timeout", "0", ok=False)
        for name in self.names():
            self.run("docker", "image", "rm", name, ok=False)


def new_tiny(folder: Path, name: str, postgres: str) -> Tiny:
    """Three images whose IDs differ, nothing started."""
    made = folder / name
    made.mkdir()
    owner = f"{os.getpid()}-{name}"
    text = COMPOSE.format(postgres=postgres, label=TEST_LABEL, owner=owner)
    (made / "compose.yaml").write_text(text)
    (made / "Dockerfile").write_text(DOCKERFILE.format(postgres=postgres, label=TEST_LABEL, owner=owner, name=name))
    env = {**os.environ, "XDG_STATE_HOME": str(folder / "state"), "XDG_CACHE_HOME": str(folder / "cache")}
    tiny = Tiny(made, env)
    tiny.compose("build", "--quiet")
    return tiny
