"""A look at an engine without its SDK, whose import takes longer than everything that a plan asks.

For engines behind a local socket: one HTTP/1.0 request per question, so an answer is whole when the connection ends
(RFC 1945). Others (TLS, SSH) are asked through the SDK. Docker Engine API: docs.docker.com/reference/api/engine.
By hand, because ``http.client`` with ``email`` takes 12 to 20 ms to import, of the 0.30 s that a plan has besides
Compose's own work, and would save 30 lines.
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from builder.core.errors import EngineFailedError, EngineMissingError
from builder.engine.client import check_engine_version, connect_engine, measure_free_bytes, uses_containerd
from builder.engine.compose_labels import find_building_projects, index_projects_by_image
from builder.engine.endpoint import resolve_endpoint
from builder.engine.errors import CONNECT_SECONDS, SAVE_CHUNK, ApiError
from builder.engine.layers import read_image_layers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import TracebackType

    from builder.engine.layers import ImageLayers
    from builder.engine.protocols import EngineApi

MAX_HEAD = 1 << 16
_UNIX = "unix://"
_SDK_ADDRESS = "http+docker://localhost"
"""What :mod:`builder.engine.client` takes for the identity of an engine that has none."""


class SocketApi:
    """The questions of a plan, named as the SDK's low-level client names them. Safe to use from several threads."""

    def __init__(self, path: str, *, seconds: float = CONNECT_SECONDS) -> None:
        self._path = path
        self._seconds = seconds

    def info(self) -> dict[str, Any]:
        return dict(self._request_json("/info"))

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
        raise ApiError(path, status, "no JSON") from None
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


class EngineReader:
    """An engine that answers and is new enough, as far as it is only asked. ``root`` is the folder of its images, empty
    where the engine is on another machine; ``close`` ends what was opened to ask it."""

    def __init__(
        self,
        api: EngineApi,
        *,
        identity: str,
        version: str,
        containerd_store: bool,
        root: str,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.api = api
        self.identity = identity
        self.version = version
        self.containerd_store = containerd_store
        self._root = root
        self._close = close

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._close()

    def measure_free_bytes(self) -> int | None:
        """Free bytes where the engine keeps images; None where that disk cannot be seen from here."""
        return measure_free_bytes(self._root)

    def read_layers(self, references: Iterable[str]) -> dict[str, ImageLayers | None]:
        """The layers of each image and their bytes; None where the engine has no such image."""
        return read_image_layers(self.api, references)

    def index_projects_by_image(self) -> dict[str, frozenset[str]]:
        """Image name → the compose projects that have containers of it, in any state."""
        return index_projects_by_image(self.api.containers())

    def find_building_projects(self) -> dict[str, str]:
        """Each name of an image → the compose project that built it; empty: none did."""
        return find_building_projects(self.api.images())


def connect_reader(env: Mapping[str, str]) -> EngineReader:
    """The engine that this environment means. Raises EngineMissingError and EngineTooOldError."""
    endpoint = resolve_endpoint(env)
    if not endpoint.host.startswith(_UNIX) or endpoint.certificates is not None:
        return connect_sdk_reader(env)
    api = SocketApi(endpoint.host.removeprefix(_UNIX))
    try:
        info = api.info()
    except ApiError as error:
        raise EngineMissingError(endpoint.host, error.message) from error
    version = str(info.get("ServerVersion", "0"))
    check_engine_version(version)
    return EngineReader(
        api,
        identity=str(info.get("ID") or _SDK_ADDRESS),
        version=version,
        containerd_store=uses_containerd(info.get("DriverStatus")),
        root=str(info.get("DockerRootDir") or ""),
    )


def connect_sdk_reader(env: Mapping[str, str]) -> EngineReader:
    """The same for any engine that the SDK can reach."""
    engine = connect_engine(env)
    return EngineReader(
        engine.api,
        identity=engine.info.identity,
        version=engine.info.version,
        containerd_store=engine.info.containerd_store,
        root=engine.info.root if engine.endpoint.is_local else "",
        close=engine.close,
    )
