"""A Unix socket in front of the real engine's that cuts, refuses or delays what passes it."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENGINE = "/var/run/docker.sock"
_REQUEST = re.compile(rb"(GET|HEAD|POST|PUT|DELETE) (?:/v[0-9.]+)?(/\S*) HTTP/")


@dataclass
class Fault:
    """``cut``: bytes of the engine's answers that still pass, over all connections. ``status``: what a request whose
    first line has ``path`` is answered with. ``delay``: seconds before the first request of each kind is passed on; of
    the fiftieth of one kind nothing is learnt that the first did not show."""

    cut: int | None = None
    status: int | None = None
    path: bytes = b""
    delay: float = 0.0
    hits: int = 0
    slowed: set[tuple[bytes, ...]] = field(default_factory=set)
    """The kinds that were delayed: method, first and last word of the path."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def is_new_kind(self, data: bytes) -> bool:
        """Whether ``data`` begins a request of a kind that none was of before."""
        found = _REQUEST.match(data)
        if found is None:
            return False
        words = found[2].partition(b"?")[0].strip(b"/").split(b"/")
        kind = (found[1], words[0], words[-1])
        with self.lock:
            is_new = kind not in self.slowed
            self.slowed.add(kind)
        return is_new


@contextlib.contextmanager
def faulty_socket(folder: Path, fault: Fault, engine: str = ENGINE) -> Iterator[str]:
    """Yields the address for DOCKER_HOST."""
    path = folder / "faulty.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(64)
        threading.Thread(target=_serve, args=(server, fault, engine), daemon=True).start()
        try:
            yield f"unix://{path}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            path.unlink()


def _serve(server: socket.socket, fault: Fault, engine: str) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _ = server.accept()
            threading.Thread(target=_handle, args=(client, fault, engine), daemon=True).start()


def _handle(client: socket.socket, fault: Fault, engine: str) -> None:
    with client, socket.socket(socket.AF_UNIX) as real, contextlib.suppress(OSError):
        real.connect(engine)
        back = threading.Thread(target=_answer, args=(real, client, fault), daemon=True)
        back.start()
        while data := client.recv(65536):
            if fault.delay and fault.is_new_kind(data):
                time.sleep(fault.delay)
            if fault.status is not None and fault.path in data.split(b"\r\n", 1)[0]:
                fault.hits += 1
                body = b'{"message":"made by the test"}'
                head = f"HTTP/1.1 {fault.status} Fault\r\nContent-Type: application/json\r\nConnection: close\r\n"
                client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                return
            real.sendall(data)
        real.shutdown(socket.SHUT_WR)
        back.join(timeout=60)


def _answer(real: socket.socket, client: socket.socket, fault: Fault) -> None:
    with contextlib.suppress(OSError):
        while data := real.recv(65536):
            with fault.lock:
                if fault.cut is not None:
                    data, fault.cut = data[: fault.cut], max(fault.cut - len(data), 0)
                    fault.hits += fault.cut == 0
            if data:
                client.sendall(data)
            if fault.cut == 0:
                break
        client.shutdown(socket.SHUT_RDWR)
