"""A small world for the tests of optimize and rollback: an engine, a Compose and a file system that can be killed.

Compose files are JSON here, so that the Compose of this world can read them.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime_factory import make_runtime

from builder.compose.model import Build, FileEdit, ImageOrigin, Project, ProjectFiles, Service, SharedTarget
from builder.core.image_reference import normalize_image_name
from builder.core.process import Command, ProcessResult
from builder.engine.compose_containers import Container
from builder.rollout.context import RolloutContext
from builder.rollout.request import ImageBuilders, RolloutRequest
from builder.rollout.wait import WaitLimits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pytest

    from builder.core.process import Runner
    from builder.core.progress import Progress

SHARED = "demo-airflow:latest"
SHARERS = ("init", "scheduler", "web")
SPEC_NAMES = (SHARED, "demo-airflow-web:latest")
"""Those that a promotion moves."""


class KilledError(BaseException):
    """As after SIGKILL: nothing that this process tries afterwards happens."""


class Fuse:
    """Counts steps, and kills at one of them."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.count = 0
        self.names: list[str] = []

    @property
    def burnt(self) -> bool:
        return self.at is not None and self.count >= self.at

    def step(self, name: str) -> None:
        if self.burnt:
            raise KilledError(name)
        self.count += 1
        self.names.append(name)
        if self.burnt:
            raise KilledError(name)


@dataclass
class FakeStack:
    """``images``: IDs; ``names``: name → ID; ``broken``: services that never come up on that image."""

    folder: Path
    images: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)
    boxes: dict[str, Container] = field(default_factory=dict)
    fuse: Fuse = field(default_factory=Fuse)
    broken: dict[str, str] = field(default_factory=dict)
    time: float = 1000.0
    made: int = 0
    calls: list[str] = field(default_factory=list)
    died: dict[str, float] = field(default_factory=dict)
    told: dict[str, float] = field(default_factory=dict)
    """Containers that were told to end, and when they will have."""
    dockerfile: str = "one"
    failing_build: bool = False
    other_engine: bool = False
    on_run: Callable[[str], None] = lambda _words: None
    environments: dict[str, dict[str, str]] = field(default_factory=dict)
    """Image ID → what its ENV sets."""

    # The engine

    @property
    def identity(self) -> str:
        return "another" if self.other_engine else "engine"

    def list_containers(self, project: str) -> tuple[Container, ...]:
        return tuple(sorted(self.boxes.values(), key=lambda one: (one.service, one.number)))

    def list_used_images(self) -> frozenset[str]:
        return frozenset(one.image_id for one in self.boxes.values())

    def list_all_images(self) -> frozenset[str]:
        return frozenset(self.images)

    def find_image_id(self, reference: str) -> str | None:
        if reference.startswith("sha256:"):
            return reference if reference in self.images else None
        return self.names.get(reference)

    def list_references(self, image_id: str) -> tuple[str, ...]:
        return tuple(sorted(name for name, found in self.names.items() if found == image_id))

    def tag(self, image_id: str, reference: str) -> None:
        self.fuse.step(f"tag {reference}")
        assert image_id in self.images
        self.names[reference] = image_id
        self.fuse.step(f"tagged {reference}")

    def untag(self, reference: str) -> None:
        self.fuse.step(f"untag {reference}")
        assert len(self.list_references(self.names[reference])) > 1
        del self.names[reference]
        self.fuse.step(f"untagged {reference}")

    def remove(self, image_id: str) -> bool:
        self.fuse.step(f"remove {image_id}")
        if image_id in self.list_used_images() or len(self.list_references(image_id)) > 1:
            return False
        self.images.remove(image_id)
        self.names = {name: found for name, found in self.names.items() if found != image_id}
        return True

    def read_image_environment(self, image_id: str) -> Mapping[str, str]:
        return self.environments.get(image_id, {})

    def read_log(self, container: str, lines: int) -> tuple[str, ...]:
        return (f"words of {container}",)

    def read_health_output(self, container: str) -> tuple[str, ...]:
        return ()

    def find_exit_times(self, project: str, since: float, until: float) -> Mapping[str, float]:
        return {name: at for name, at in self.died.items() if since <= at <= until}

    def find_stopping_containers(self, project: str, since: float, until: float) -> frozenset[str]:
        return frozenset(name for name, at in self.told.items() if since <= until < at)

    def remove_unfinished_containers(self, project: str) -> tuple[str, ...]:
        half = tuple(name for name in self.boxes if name[0].isdecimal())
        for name in half:
            del self.boxes[name]
        return half

    # Compose

    def run(
        self,
        command: Command,
        *,
        on_out: Callable[[str], None] | None = None,
        on_err: Callable[[str], None] | None = None,
    ) -> ProcessResult:
        words = " ".join(command.argv)
        self.fuse.step(f"before {words}")
        self.calls.append(words)
        self.on_run(words)
        services = self._services(command.argv)
        if "--hash" in command.argv:
            lines = "".join(f"{name} {self._hash(name, service)}\n" for name, service in services.items())
            return ProcessResult(command, 0, lines, "")
        names = command.argv[command.argv.index("--") + 1 :]
        code = self._build(services, names) if "build" in command.argv else self._up(command.argv, services, names)
        self.fuse.step(f"after {words}")
        return ProcessResult(command, code, "", "" if code == 0 else "Error response from daemon: no such image", 1.0)

    def _services(self, argv: tuple[str, ...]) -> dict[str, dict[str, Any]]:
        merged: dict[str, dict[str, Any]] = {}
        for flag, word in pairwise(argv):
            if flag == "--file":
                for name, service in json.loads(Path(word).read_bytes())["services"].items():
                    merged.setdefault(name, {}).update(service)
        return merged

    def _image_name(self, name: str, service: dict[str, Any]) -> str:
        return normalize_image_name(str(service.get("image") or f"demo-{name}:latest"))

    def _build(self, services: dict[str, dict[str, Any]], names: tuple[str, ...]) -> int:
        for name in names:
            if "build" not in services[name] or self.failing_build:
                return 1
            identity = f"sha256:{self.dockerfile}-of-{services[name]['build'].get('context')}"
            self.images.add(identity)
            self.names[self._image_name(name, services[name])] = identity
        return 0

    def _up(self, argv: tuple[str, ...], services: dict[str, dict[str, Any]], names: tuple[str, ...]) -> int:
        scale = dict(word.split("=") for flag, word in pairwise(argv) if flag == "--scale")
        if "--no-deps" not in argv:
            names = self._with_needs(names, services)
        for name in names:
            image = self._image_name(name, services[name])
            if image not in self.names:
                if "--no-build" in argv or "build" not in services[name]:
                    return 1
                self.images.add(f"sha256:again-{name}")
                self.names[image] = f"sha256:again-{name}"
            wanted = int(scale.get(name, services[name].get("scale", 1)))
            self._scale_down(name, wanted)
            for number in range(1, wanted + 1):
                self.fuse.step(f"stop {name} {number}")
                self._recreate(
                    name,
                    number,
                    services[name],
                    start="--no-start" not in argv,
                    alone="--no-deps" in argv,
                    keep="--no-recreate" in argv,
                )
        return 0

    def _scale_down(self, name: str, wanted: int) -> None:
        self.boxes = {key: one for key, one in self.boxes.items() if one.service != name or one.number <= wanted}

    def _with_needs(self, names: tuple[str, ...], services: dict[str, dict[str, Any]]) -> tuple[str, ...]:
        """All that they depend on comes first."""
        needs = [need for name in names for need in services[name].get("depends_on", {})]
        return tuple(dict.fromkeys((*self._with_needs(tuple(needs), services), *names))) if needs else names

    def _hash(self, name: str, service: dict[str, Any], *, alone: bool = False) -> str:
        needs = None if alone else service.get("depends_on")
        return hashlib.sha256(json.dumps([service.get("image"), needs, service.get("drift")]).encode()).hexdigest()

    def _recreate(
        self, name: str, number: int, service: dict[str, Any], *, start: bool, alone: bool, keep: bool
    ) -> None:
        key = f"demo-{name}-{number}"
        image_name = self._image_name(name, service)
        image = self.names[image_name]
        config = self._hash(name, service, alone=alone)
        old = self.boxes.get(key)
        if old is None or (not keep and (old.config_hash != config or old.image_id != image)):
            self.time += 0.5
            if old is not None:
                self.died[old.id] = self.time
                self.boxes[key] = replace(old, status="exited")
                self.fuse.step(f"stopped {name} {number}")
            self.made += 1
            self.boxes[key] = Container(
                f"c{self.made}", key, name, number, image, "created", image_name=image_name, config_hash=config
            )
            self.fuse.step(f"created {name} {number}")
        if start and not self.boxes[key].running:
            self.time += 0.25
            self.boxes[key] = self._started(self.boxes[key], service)

    def _started(self, box: Container, service: dict[str, Any]) -> Container:
        if self.broken.get(box.service) in {self._image_name(box.service, service), box.image_id}:
            return replace(box, status="exited", exit_code=1, started=self.time)
        if box.service == "init":
            return replace(box, status="exited", exit_code=0, started=self.time)
        health = "healthy" if box.service == "web" else None
        return replace(box, status="running", health=health, started=self.time)

    # The clock

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class Stage:
    """A project of three builds of one Dockerfile and a database, running, and everything to optimize it with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stack = FakeStack(folder)
        self.state = folder / "state" / "optbuild"
        self.file = folder / "project" / "docker-compose.yml"
        self.file.parent.mkdir()
        self.before = _compose_file(None)
        self.after = _compose_file(SHARED)
        self.file.write_bytes(self.before)
        self.verified: list[str] = []
        self.refusing: BaseException | None = None
        self.stack.images.add("sha256:postgres")
        self.stack.names["postgres:13"] = "sha256:postgres"
        for name in SHARERS:
            self.stack.images.add(f"sha256:old-{name}")
            self.stack.names[f"demo-{name}:latest"] = f"sha256:old-{name}"

    @property
    def files(self) -> ProjectFiles:
        return ProjectFiles(self.file.parent, (self.file,))

    def start(self, *, workers: int = 1, services: tuple[str, ...] = (*SHARERS, "db")) -> None:
        """The stack, as ``docker compose up`` starts it, whatever scale the file says."""
        scale = ("--scale", f"scheduler={workers}", "--scale", "db=1")
        argv = ("docker", "compose", *self.files.arguments, "up", *scale)
        fuse, self.stack.fuse = self.stack.fuse, Fuse()
        self.stack.run(Command((*argv, "--", *services)))
        self.stack.fuse = fuse
        self.stack.calls.clear()

    def context(
        self, env: Mapping[str, str] | None = None, *, progress: Progress | None = None, runner: Runner | None = None
    ) -> RolloutContext:
        """``env``: variables beside those of the stage."""
        mine = {"COMPOSE_REMOVE_ORPHANS": "1", "HOME": "/home/me", **(env or {})}
        runtime = make_runtime(self.folder, mine, runner=runner or self.stack, progress=progress)
        limits = WaitLimits(timeout=30.0, steady=1.0)
        return RolloutContext(runtime, self.stack, ("docker", "compose"), self.stack, limits)

    def project(self) -> Project:
        build = Build(str(self.file.parent))
        done = {"init": "service_completed_successfully", "db": "service_healthy"}
        content = json.loads(self.file.read_bytes())["services"]
        services = {
            name: Service(
                name,
                image=item.get("image"),
                build=build if "build" in item else None,
                depends_on=done if name in {"web", "scheduler"} else {},
                project="demo",
            )
            for name, item in content.items()
        }
        answer = {"services": content}
        return Project(self.files, "demo", services, {self.file: self.file.read_bytes()}, answer, answer)

    def target(self, source: ImageOrigin = ImageOrigin.IMAGE_ONLY) -> SharedTarget:
        builder = "init" if source is ImageOrigin.BUILDER else None
        return SharedTarget(SHARERS, SHARED, source, builder, self.file.parent if source is ImageOrigin.SPEC else None)

    def work(self, run: str = "0000aaaa", source: ImageOrigin = ImageOrigin.IMAGE_ONLY) -> RolloutRequest:
        edits = (FileEdit(self.file, self.before, self.after),) if self.file.read_bytes() == self.before else ()
        return RolloutRequest(run, self.project(), (self.target(source),), edits)

    def hands(self) -> ImageBuilders:
        def verify(image: str, target: SharedTarget) -> None:
            self.stack.fuse.step("verify")
            if self.refusing is not None:
                raise self.refusing
            self.verified.append(image)

        def make(_target: SharedTarget, promoting: Callable[[str], None]) -> str:
            self.stack.images.add("sha256:spec")
            promoting("sha256:spec")
            for name in SPEC_NAMES:
                self.stack.tag("sha256:spec", name)
            return "sha256:spec"

        return ImageBuilders(verify, make, lambda _target: SPEC_NAMES)

    def snapshot(self) -> dict[str, Any]:
        """What a person would compare: files, names, and which image each container runs, in which state."""
        folder = self.file.parent
        return {
            "files": {path.name: path.read_bytes() for path in sorted(folder.iterdir())},
            "names": dict(self.stack.names),
            "images": set(self.stack.images),
            "boxes": {name: (one.image_id, one.running, one.exit_code) for name, one in self.stack.boxes.items()},
            "db": [one.id for one in self.stack.boxes.values() if one.service == "db"],
        }


def _compose_file(image: str | None) -> bytes:
    shared: dict[str, Any] = {"build": {"context": "."}} if image is None else {"image": image, "pull_policy": "never"}
    services: dict[str, Any] = {name: dict(shared) for name in SHARERS}
    for name in ("scheduler", "web"):
        services[name]["depends_on"] = {"init": {"condition": "service_completed_successfully"}, "db": {}}
    services["db"] = {"image": "postgres:13"}
    return json.dumps({"services": services}, indent=1).encode()


def arm(monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
    """Every change of the disk becomes a step of the fuse: before and after it."""

    def wrap(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def armed(*args: Any, **kwargs: Any) -> Any:
            stage.stack.fuse.step(f"before {name}")
            found = real(*args, **kwargs)
            stage.stack.fuse.step(f"after {name}")
            return found

        monkeypatch.setattr(owner, name, armed)

    for name in ("replace", "unlink", "hardlink_to"):
        wrap(Path, name)
    wrap(os, "fsync")
