"""Questions to an engine's local socket without its SDK, whose import takes longer than everything that a plan asks.

One HTTP/1.0 request per question, so an answer is whole when the connection ends (RFC 1945). Docker Engine API:
docs.docker.com/reference/api/engine. By hand, because ``http.client`` with ``email`` takes 12 to 20 ms to import, of
the 0.30 s that a plan has besides Compose's own work, and would save 30 lines.
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from builder.core.errors import EngineFailedError, EngineMissingError
from builder.engine.errors import CONNECT_SECONDS, SAVE_CHUNK, ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.engine.endpoint import Endpoint

MAX_HEAD = 1 << 16
_UNIX = "unix://"


def open_socket_api(endpoint: Endpoint) -> SocketApi | None:
    """None for an engine that is not asked through a plain local socket."""
    if not endpoint.host.startswith(_UNIX) or endpoint.certificates is not None:
        return None
    return SocketApi(endpoint.host.removeprefix(_UNIX))


class SocketApi:
    """The questions of a plan, named as the SDK's low-level client names them. Safe to use from several threads."""

    def __init__(self, path: str, *, seconds: float = CONNECT_SECONDS) -> None:
        self._path = path
        self._seconds = seconds

    def info(self) -> dict[str, Any]:
        return dict(self._request_json("/info"))

    def version(self) -> dict[str, Any]:
        return dict(self._request_json("/version"))

    def images(self, *, all: bool = False) -> list[dict[str, Any]]:  # noqa: A002 - the SDK's name
        """``all``: also what the classic builder keeps between its steps."""
        return list(self._request_json(f"/images/json?all={int(all)}"))

    def inspect_image(self, image: str) -> dict[str, Any]:
        return dict(self._request_json(f"/images/{quote(image, safe='')}/json"))

    def history(self, image: str) -> list[dict[str, Any]]:
        return list(self._request_json(f"/images/{quote(image, safe='')}/history"))

    def containers(self) -> list[dict[str, Any]]:
        """Also those that do not run."""
        return list(self._request_json("/containers/json?all=1"))

    def usage(self, kind: str) -> dict[str, Any]:
        """``/system/df`` of one kind: ``volume``, ``build-cache``. The engine may take seconds to add them up."""
        return dict(self._request_json(f"/system/df?type={kind}"))

    def get_image(self, image: str, chunk_size: int = SAVE_CHUNK) -> Iterator[bytes]:
        """What ``docker save`` writes. The engine packs all of it before it sends the first byte: no time limit."""
        path = f"/images/{quote(image, safe='')}/get"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            try:
                connection.connect(self._path)
                connection.sendall(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
                head, rest = _read_head(connection)
                if not _is_success(head):
                    parse_answer(path, head + rest + b"".join(iter(lambda: connection.recv(chunk_size), b"")))
                yield rest
                while part := connection.recv(chunk_size):
                    yield part
            except OSError as error:
                raise EngineFailedError(f"the engine stopped sending {image}: {error.strerror or error}") from error

    def _request_json(self, path: str) -> Any:
        """Raises AnswerError, and EngineMissingError where nobody listens."""
        try:
            answer = self._send_request(f"GET {path} HTTP/1.0\r\nHost: docker\r\nAccept: application/json\r\n\r\n")
        except OSError as error:
            raise EngineMissingError(f"{_UNIX}{self._path}", error.strerror or str(error)) from error
        return parse_answer(path, answer)

    def _send_request(self, request: str) -> bytes:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(self._seconds)
            connection.connect(self._path)
            connection.sendall(request.encode())
            parts = []
            while part := connection.recv(1 << 16):
                parts.append(part)
        return b"".join(parts)


def parse_answer(path: str, answer: bytes) -> Any:
    """The JSON of an HTTP answer. Raises AnswerError for another status than 200, and for what is not an answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(b"\r\n", maxsplit=1)[0].split(maxsplit=2)
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    try:
        found = json.loads(body)
    except ValueError:
        raise ApiError(path, status, "the answer breaks off, or is not JSON") from None
    if status != 200:
        raise ApiError(path, status, str(found.get("message", "")) if isinstance(found, dict) else "")
    return found


def _read_head(connection: socket.socket) -> tuple[bytes, bytes]:
    """The head of an answer with the empty line that ends it, and what came with it of the body."""
    data = b""
    while b"\r\n\r\n" not in data and len(data) < MAX_HEAD and (part := connection.recv(MAX_HEAD)):
        data += part
    head, end, rest = data.partition(b"\r\n\r\n")
    return head + end, rest


def _is_success(head: bytes) -> bool:
    words = head.split(b"\r\n", maxsplit=1)[0].split(maxsplit=2)
    return len(words) > 1 and words[1] == b"200"
