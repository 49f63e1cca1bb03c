"""Three image IDs are not always three times the bytes: both cases, made for real, are told apart."""

from __future__ import annotations

import json
import os
import shutil
import sys
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.process import Command, LocalRunner, ProcessResult
from builder.engine.client import uses_containerd
from builder.engine.compose_labels import find_building_projects, index_projects_by_image
from builder.engine.layers import read_image_layers
from builder.engine.sdk_client import SdkApi
from builder.engine.socket_api import SocketApi
from builder.engine.socket_client import connect_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from builder.engine.client import Engine

SERVICES = ("init", "scheduler", "webserver")
OWN = 3_000_000 + 1_000_000
"""Bytes that the Dockerfile adds to its base."""
COMPOSE = """\
x-common: &common
  build: .
services:
  init: {<<: *common, command: [db, migrate]}
  scheduler: {<<: *common, command: [scheduler]}
  webserver: {<<: *common, command: [webserver]}
"""
DOCKERFILE = """\
FROM {base}
USER root
LABEL optbuild.test="{owner}"
RUN head -c 3000000 /dev/urandom > /first
WORKDIR /new/folder
RUN head -c 1000000 /dev/urandom > /second
CMD ["sleep", "1"]
"""
MAIN = "from builder.cli.main import main; main()"


class Stack:
    """A project folder whose images carry the test label."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.env = {key: value for key, value in os.environ.items() if not key.startswith("COMPOSE_")}
        self.env["XDG_STATE_HOME"] = str(folder / "state")

    def compose(self, *words: str) -> None:
        argv = ("docker", "compose", "--project-name", self.name, *words)
        done = LocalRunner().run(Command(argv, cwd=self.folder, env=self.env, timeout=600))
        assert done.ok, done.err

    def plan(self, *words: str, **env: str) -> ProcessResult:
        argv = (sys.executable, "-c", MAIN, "plan", "--project-name", self.name, "--group", "init", *words)
        return LocalRunner().run(Command(argv, cwd=self.folder, env={**self.env, **env}, timeout=60))

    def bytes(self) -> dict[str, Any]:
        done = self.plan("--format", "json")
        assert done.ok, done.err
        (group,) = json.loads(done.out)["groups"]
        return {**group["bytes"], "sharing": group["sharing"]}

    @property
    def images(self) -> list[str]:
        return [f"{self.name}-{service}:latest" for service in SERVICES]


@pytest.fixture
def stack(engine: Engine, postgres_image: str, orphans_removed: Callable[[], None], tmp_path: Path) -> Iterator[Stack]:
    made = Stack(tmp_path, f"bytes{uuid.uuid4().hex[:8]}")
    owner = f"{os.getpid()}-{made.name}"
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "Dockerfile").write_text(DOCKERFILE.format(base=postgres_image, owner=owner))
    try:
        yield made
    finally:
        for image in engine.client.api.images(filters={"label": f"optbuild.test={owner}"}):
            engine.client.api.remove_image(image["Id"], force=True)


def own_bytes(engine: Engine, image: str) -> int:
    found = engine.inspect_image(image)
    assert found is not None
    return found.unpacked


def test_one_compose_build_makes_three_ids_over_equal_layers(stack: Stack, engine: Engine, postgres_image: str) -> None:
    stack.compose("build")
    assert len({engine.find_image_id(image) for image in stack.images}) == 3
    base = own_bytes(engine, postgres_image)
    found = stack.bytes()
    assert found["sharing"] == "equal-layers"
    assert found["now"] == {"apparent": 3 * (base + OWN), "real": base + OWN, "images": 3}
    assert found["if_apart"] == {"apparent": 3 * (base + OWN), "real": base + 3 * OWN, "images": 3}
    assert found["then"] == {"apparent": base + OWN, "real": base + OWN, "images": 1}


def test_three_builds_without_cache_share_their_base_only(stack: Stack, engine: Engine, postgres_image: str) -> None:
    for service in SERVICES:
        stack.compose("build", "--no-cache", service)
    base = own_bytes(engine, postgres_image)
    found = stack.bytes()
    assert found["sharing"] == "some-layers"
    assert found["now"] == {"apparent": 3 * (base + OWN), "real": base + 3 * OWN, "images": 3}
    assert found["if_apart"] == found["now"]
    assert found["then"]["real"] == base + OWN


def test_one_image_under_three_names_is_counted_once(stack: Stack, engine: Engine) -> None:
    stack.compose("build", "init")
    built = engine.find_image_id(stack.images[0])
    assert built is not None
    for image in stack.images[1:]:
        engine.tag(built, image)
    found = stack.bytes()
    assert (found["sharing"], found["now"]["images"]) == ("one-image", 1)
    assert found["now"]["apparent"] == 3 * found["now"]["real"]


def test_nothing_built_is_nothing_measured(stack: Stack) -> None:
    assert stack.bytes() == {
        "now": {"apparent": None, "real": None, "images": None},
        "then": {"apparent": None, "real": None, "images": None},
        "if_apart": {"apparent": None, "real": None, "images": None},
        "sharing": None,
    }


@pytest.mark.alone
def test_the_quick_look_and_the_sdk_see_the_same(engine: Engine, postgres_image: str) -> None:
    wanted = (postgres_image, f"docker.io/library/{postgres_image}", "optbuild-none:1")
    whole = SdkApi(engine.client)
    with connect_reader(os.environ) as quick:
        assert isinstance(quick.api, SocketApi)
        assert (quick.identity, quick.version) == (whole.info()["ID"], whole.version()["Version"])
        assert quick.containerd_store == uses_containerd(whole.info()["DriverStatus"])
        found = quick.read_layers(wanted)
        assert found == read_image_layers(whole, wanted) == read_image_layers(engine.client.api, wanted)
        assert quick.index_projects_by_image() == index_projects_by_image(whole.containers())
        assert quick.find_building_projects() == find_building_projects(whole.images())
    image = found[postgres_image]
    assert image is not None
    assert image.bytes == own_bytes(engine, postgres_image)
    assert found["optbuild-none:1"] is None


def test_the_bytes_of_layers_add_up_to_the_image(engine: Engine) -> None:
    """Every image of this engine, whoever made it, whose history tells which bytes are whose."""
    names = [entry["Id"] for entry in engine.client.api.images()]
    found = {
        name: image.bytes
        for name, image in read_image_layers(engine.client.api, names).items()
        if image is not None and image.bytes is not None
    }
    assert found
    totals = {name: engine.inspect_image(name) for name in found}  # None: removed meanwhile
    assert found == {name: found[name] if image is None else image.unpacked for name, image in totals.items()}


def test_without_an_engine_the_plan_is_there(stack: Stack) -> None:
    done = stack.plan(DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert done.ok
    assert "warning OB101" in done.out
    assert "no engine answered" in done.out
    assert done.err == (
        "optbuild: bytes are unknown: no Docker engine answers at "
        "unix:///nonexistent/docker.sock: No such file or directory\n"
    )


def test_without_compose_the_plan_says_what_to_install(stack: Stack) -> None:
    tools = stack.folder / "bin"
    tools.mkdir()
    done = stack.plan(PATH=str(tools))
    assert done.code == 3
    assert "neither docker nor docker-compose is on PATH" in done.err
    assert shutil.which("docker") is not None
