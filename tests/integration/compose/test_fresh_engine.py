"""A rewritten project on an engine that has none of its images: what is built, and that no registry hears our name."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from fresh_engine import second_engine
from seed_project import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMPOSE = """\
x-app: &app
  build: .
  depends_on: &needs
    init:
      condition: service_completed_successfully
services:
  init:
    <<: *app
    command: ["/init"]
    depends_on: {}
  web:
    <<: *app
    command: ["/web"]
  worker:
    <<: *app
    command: ["/worker"]
"""


@dataclass(frozen=True)
class Fresh:
    """An empty engine whose registry of first choice is ours; ``asked`` are the paths that it was asked for."""

    env: dict[str, str]
    asked: list[str]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fresh]:
    asked: list[str] = []

    class Registry(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET  # noqa: N815 - the base class looks for this name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = tmp_path_factory.mktemp("engine")
    try:
        with second_engine(folder, f"--registry-mirror=http://127.0.0.1:{server.server_port}") as address:
            env = {key: value for key, value in os.environ.items() if not key.startswith("COMPOSE_")}
            yield Fresh({**env, "DOCKER_HOST": address, "XDG_STATE_HOME": str(folder / "state")}, asked)
    finally:
        server.shutdown()
        server.server_close()


def rewritten(parent: Path, fresh: Fresh, *options: str) -> Stack:
    """The project after `optimize --file-only`; its image needs no base that would have to be pulled."""
    folder = parent / "fresh"
    folder.mkdir()
    (folder / "docker-compose.yml").write_text(COMPOSE, encoding="utf-8")
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY docker-compose.yml /\n", encoding="utf-8")
    stack = Stack(folder, {**fresh.env, "XDG_STATE_HOME": str(parent / "state")})
    stack.optbuild("optimize", "--yes", "--file-only", "--group", "web", *options)
    fresh.asked.clear()
    return stack


def our_name(stack: Stack) -> str:
    return stack.compose("config", "--images").out.split()[0]


@pytest.mark.parametrize("words", [("create",), ("up", "--no-start", "web")])
def test_the_service_that_keeps_the_build_makes_the_image(tmp_path: Path, fresh: Fresh, words: tuple[str, ...]) -> None:
    stack = rewritten(tmp_path, fresh)
    try:
        stack.compose(*words)
        assert our_name(stack) in stack.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").out.split()
        assert fresh.asked == []
    finally:
        stack.compose("down", "--rmi", "all")


@pytest.mark.parametrize("words", [("up", "--detach"), ("up", "--detach", "web"), ("create", "worker")])
def test_without_a_builder_the_missing_image_is_named(tmp_path: Path, fresh: Fresh, words: tuple[str, ...]) -> None:
    stack = rewritten(tmp_path, fresh, "--image-only")
    done = stack.compose(*words, ok=False)
    assert done.code != 0
    assert f"No such image: {our_name(stack)}" in done.err
    assert fresh.asked == []


@pytest.mark.parametrize("options", [(), ("--image-only",)])
def test_pull_asks_nobody(tmp_path: Path, fresh: Fresh, options: tuple[str, ...]) -> None:
    stack = rewritten(tmp_path, fresh, *options)
    stack.compose("pull")
    assert fresh.asked == []


def test_without_the_pull_policy_a_registry_is_asked(tmp_path: Path, fresh: Fresh) -> None:
    """The twin that shows that these tests would see it."""
    stack = rewritten(tmp_path, fresh, "--image-only")
    text = stack.file.read_text(encoding="utf-8")
    assert text.count("pull_policy: never") == 1
    stack.file.write_text(text.replace("pull_policy: never", "pull_policy: missing"), encoding="utf-8")
    stack.compose("pull", ok=False)
    assert any(our_name(stack).partition(":")[0] in path for path in fresh.asked)
