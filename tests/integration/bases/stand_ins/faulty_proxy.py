"""A registry that is not well for a while: a proxy answers some requests with a fault, then goes on."""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Fault = Literal["reset", "cut", "lie"] | int
"""An HTTP status; ``reset``: the connection is reset before an answer; ``cut``: it ends in the middle of the body;
``lie``: the last byte of the body is another one."""
_OWN_HEADERS = frozenset({"transfer-encoding", "connection", "keep-alive"})


@dataclass
class FaultyProxy:
    """``faults`` are used up one by one, by the requests whose path holds ``matching``."""

    address: str
    faults: list[Fault] = field(default_factory=list)
    matching: str = "/v2/"
    retry_after: str | None = None
    """Seconds; a header of the answers 429 and 503."""
    requests: list[tuple[str, str, Fault | None]] = field(default_factory=list)
    """(method, path, fault) of each request, in order."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def fail_next(self, *faults: Fault, matching: str = "/v2/", retry_after: str | None = None) -> None:
        """From now on; what was planned before is forgotten."""
        with self._lock:
            self.faults, self.matching, self.retry_after = list(faults), matching, retry_after
            self.requests.clear()

    @property
    def failed(self) -> int:
        """How many requests got a fault since :meth:`fail_next`."""
        return sum(fault is not None for _, _, fault in self.requests)

    def take_fault(self, method: str, path: str) -> Fault | None:
        with self._lock:
            fault = self.faults.pop(0) if self.faults and self.matching in path else None
            self.requests.append((method, path, fault))
            return fault


@contextlib.contextmanager
def start_faulty_proxy(upstream: str) -> Iterator[FaultyProxy]:
    """In front of the registry at ``upstream`` (host:port), on a free port of 127.0.0.1."""

    class Handler(_Handler):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Handler.upstream, Handler.proxy = upstream, FaultyProxy(f"127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Handler.proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: str
    proxy: FaultyProxy

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.proxy.take_fault(self.command, self.path)
        if fault == "reset":
            self._reset()
        elif isinstance(fault, int):
            self._refuse(fault)
        else:
            self._answer(body, cut=fault == "cut", lie=fault == "lie")

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815  # names of http.server

    def _answer(self, body: bytes, *, cut: bool, lie: bool) -> None:
        connection = http.client.HTTPConnection(self.upstream, timeout=60)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():  # the Host too: addresses in the answers are the proxy's then
                connection.putheader(name, value)  # the engine sends Accept many times
            connection.endheaders(body or None)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        if lie and data:
            data = data[:-1] + bytes([data[-1] ^ 1])
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {*_OWN_HEADERS, "content-length"}:
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        if cut:
            self.wfile.write(data[: len(data) // 2])
            self._reset()
        else:
            self.wfile.write(data)

    def _refuse(self, status: int) -> None:
        data = b'{"errors":[{"code":"TOOMANYREQUESTS","message":"a fault of the tests"}]}'
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if self.proxy.retry_after is not None and status in (429, 503):
            self.send_header("Retry-After", self.proxy.retry_after)
        self.end_headers()
        self.wfile.write(data)

    def _reset(self) -> None:
        """Lingering for no second: the kernel sends RST, not FIN."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RD)
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # a name of http.server
        """Nothing: the requests are in :attr:`FaultyProxy.requests`."""
