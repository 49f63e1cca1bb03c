"""A remote BuildKit without its package: a second engine with containerd's image store, as a builder of buildx.

The engine's own BuildKit speaks gRPC on ``POST /grpc`` of its socket (moby, ``api/server/router/grpc``); buildx's
``remote`` driver wants a TCP address. What is between them passes bytes both ways.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import threading
from typing import TYPE_CHECKING

from fresh_engine import second_engine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

UPGRADE = b"POST /grpc HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
ENGINE_SETTINGS = {"features": {"containerd-snapshotter": True}}


@contextlib.contextmanager
def remote_builder(folder: Path, name: str, env: Mapping[str, str]) -> Iterator[str]:
    """An empty BuildKit that buildx knows as ``name``, where ``env`` keeps buildx's settings; its engine's address."""
    settings = folder / "engine.json"
    settings.write_text(json.dumps(ENGINE_SETTINGS))
    with (
        second_engine(folder, "--config-file", str(settings)) as engine,
        forward_grpc(engine.removeprefix("unix://")) as address,
        registered_builder(name, address, env),
    ):
        yield engine


@contextlib.contextmanager
def registered_builder(name: str, address: str, env: Mapping[str, str]) -> Iterator[None]:
    """buildx knows the BuildKit at ``address`` as ``name``."""
    create = ["docker", "buildx", "create", "--name", name, "--driver", "remote", address]
    subprocess.run(create, env=dict(env), check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["docker", "buildx", "rm", name], env=dict(env), check=False, capture_output=True)


@contextlib.contextmanager
def forward_grpc(engine_socket: str) -> Iterator[str]:
    """A TCP address of this machine behind which the engine's BuildKit is."""
    opened: list[socket.socket] = []
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepting = threading.Thread(target=_accept, args=(server, engine_socket, opened, threads))
        accepting.start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        for one in (server, *opened):
            with contextlib.suppress(OSError):  # it has ended already
                one.shutdown(socket.SHUT_RDWR)
        accepting.join()
    for thread in threads:
        thread.join()
    for one in opened:
        one.close()


def _accept(
    server: socket.socket, engine_socket: str, opened: list[socket.socket], threads: list[threading.Thread]
) -> None:
    with contextlib.suppress(OSError):  # the server is closed
        while True:
            client, _ = server.accept()
            engine = socket.socket(socket.AF_UNIX)
            opened += (client, engine)
            engine.connect(engine_socket)
            engine.sendall(UPGRADE)
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                answer += engine.recv(1)
            for source, target in ((client, engine), (engine, client)):
                thread = threading.Thread(target=_pass_bytes, args=(source, target))
                thread.start()
                threads.append(thread)


def _pass_bytes(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
