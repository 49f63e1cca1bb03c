"""The Docker engine: images by ID, tags, labels, free disk. Builds: ``builder.engine.buildx``."""

from __future__ import annotations

import contextlib
import re
import shutil
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeVar

from builder.core.errors import EngineFailedError, EngineMissingError, EngineTooOldError
from builder.core.image_reference import split_image_name
from builder.engine.endpoint import Endpoint, resolve_endpoint
from builder.engine.errors import CONNECT_SECONDS, ApiError, find_innermost_reason, translate_sdk_errors
from builder.engine.inspected_image import list_diffs
from builder.engine.loading import load_archive
from builder.engine.sdk_client import SdkApi
from builder.engine.socket_api import SocketApi, open_socket_api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from docker import DockerClient


_Answer = TypeVar("_Answer")
NOT_FOUND = 404
NO_IDENTITY = "http+docker://localhost"
"""Of an engine that has no ID (podman); kept locks and states bear it since it was the SDK's address."""
NEEDED_ENGINE = 23
"""The first engine whose default builder is BuildKit with heredocs, ``COPY --link`` and secrets."""


@dataclass(frozen=True)
class EngineInfo:
    """Who answers. ``identity`` survives restarts; ``root`` is the folder of images on the engine's machine."""

    identity: str
    version: str
    root: str
    platform: str
    containerd_store: bool
    walks_layers: bool = True
    """Its storage driver writes a layer by walking that layer's own folder, wherever it knows what lies below."""


@dataclass(frozen=True)
class ImageInfo:
    """One image. ``unpacked`` in bytes: the sum of its layers as ``docker history`` shows them; ``diffs``: the diff IDs
    of its layers, oldest first."""

    id: str
    references: tuple[str, ...]
    labels: Mapping[str, str]
    platform: str
    unpacked: int
    diffs: tuple[str, ...] = ()


class Engine:
    """An engine that answers and is new enough. Every method raises EngineFailedError when the engine refuses.

    ``api`` answers questions about images; the SDK, whose import costs 150 ms, is only loaded for what ``client`` does.
    """

    def __init__(self, api: SocketApi | SdkApi, endpoint: Endpoint, info: EngineInfo) -> None:
        self.api = api
        self.endpoint = endpoint
        self.info = info

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        if "client" in vars(self):
            self.client.close()

    @cached_property
    def client(self) -> DockerClient:
        """The SDK. Raises EngineMissingError."""
        return _connect_sdk(self.endpoint)

    def find_image_id(self, reference: str) -> str | None:
        """``sha256:...``, or None where the engine has no such image."""
        found = self._inspect_image(reference)
        return None if found is None else str(found["Id"])

    def inspect_image(self, reference: str) -> ImageInfo | None:
        """Labels, size and all references of an image; None where the engine has no such image."""
        found = self._inspect_image(reference)
        history = None if found is None else self._read_history(found["Id"])
        if found is None or history is None:
            return None
        return ImageInfo(
            str(found["Id"]),
            tuple(found.get("RepoTags") or ()),
            dict((found.get("Config") or {}).get("Labels") or {}),
            f"{found.get('Os', '')}/{found.get('Architecture', '')}",
            sum(int(layer.get("Size") or 0) for layer in history),
            list_diffs(found),
        )

    def tag(self, image: str, reference: str) -> None:
        """Point ``reference`` to ``image``, an ID; the engine does this in one step."""
        repository, tag = split_reference(reference)
        with translate_sdk_errors(f"tagging {image} as {reference}"):
            self.client.api.tag(image, repository, tag, force=True)

    def untag(self, reference: str) -> None:
        """Take one name from an image, which stays: refuses the last name, because that would delete the image."""
        found = self._inspect_image(reference)
        if found is None:
            return
        if len(found.get("RepoTags") or ()) < 2:
            raise EngineFailedError(f"{reference} is the last name of its image; taking it away would delete the image")
        with translate_sdk_errors(f"taking the tag {reference} away"):
            self.client.api.remove_image(reference, force=False, noprune=True)

    def remove_reference(self, reference: str) -> None:
        """Take a name from its image, which goes with its last name; nothing where there is no such name."""
        from docker.errors import ImageNotFound  # the SDK costs 150 ms

        with translate_sdk_errors(f"removing {reference}"), contextlib.suppress(ImageNotFound):
            self.client.api.remove_image(reference)

    def remove_unnamed(self, image: str) -> None:
        """Remove an image that nothing names and no container was made from; any other one stays."""
        from docker.errors import APIError  # the SDK costs 150 ms

        found = self._inspect_image(image)
        if found is None or found.get("RepoTags") or found.get("RepoDigests"):
            return
        with translate_sdk_errors(f"removing {image}"), contextlib.suppress(APIError):  # a container needs it
            self.client.api.remove_image(image)

    def load(self, chunks: Iterable[bytes]) -> None:
        """Load an archive of `docker save`; an error that ``chunks`` raises leaves the engine as it was."""
        load_archive(self.client, chunks)

    def measure_free_bytes(self) -> int | None:
        """Free bytes where the engine keeps images; None where that disk cannot be seen from here."""
        return measure_free_bytes(self.info.root) if self.endpoint.is_local else None

    def _read_history(self, image_id: str) -> list[dict[str, Any]] | None:
        """None: somebody removed the image since it was looked at."""
        return _find(lambda: self.api.history(image_id))

    def _inspect_image(self, reference: str) -> dict[str, Any] | None:
        return _find(lambda: self.api.inspect_image(reference))


def _find(question: Callable[[], _Answer]) -> _Answer | None:
    """None where the engine has no such image."""
    try:
        return question()
    except ApiError as error:
        if error.status_code == NOT_FOUND:
            return None
        raise
    except EngineMissingError as error:  # it answered when this began
        raise EngineFailedError(error.message, hint=error.hint) from error


def connect_engine(env: Mapping[str, str]) -> Engine:
    """The engine that this environment means. Raises EngineMissingError and EngineTooOldError."""
    endpoint = resolve_endpoint(env)
    if api := open_socket_api(endpoint):
        return Engine(api, endpoint, _read_engine_info(api, endpoint))
    client = _connect_sdk(endpoint)
    try:
        engine = Engine(SdkApi(client), endpoint, _read_engine_info(SdkApi(client), endpoint))
    except BaseException:
        client.close()
        raise
    engine.client = client
    return engine


def _connect_sdk(endpoint: Endpoint) -> DockerClient:
    """Raises EngineMissingError."""
    from docker.errors import DockerException  # the SDK costs 150 ms

    try:
        return _make_client(endpoint)
    except (DockerException, OSError, NameError) as error:
        raise EngineMissingError(endpoint.host, find_innermost_reason(error)) from error


def _make_client(endpoint: Endpoint) -> DockerClient:
    from docker import DockerClient  # the SDK costs 150 ms
    from docker.tls import TLSConfig

    tls: TLSConfig | bool = False
    if endpoint.certificates is not None:
        folder = endpoint.certificates
        pair = (str(folder / "cert.pem"), str(folder / "key.pem")) if (folder / "cert.pem").is_file() else None
        ca = str(folder / "ca.pem") if (folder / "ca.pem").is_file() else None
        tls = TLSConfig(client_cert=pair, ca_cert=ca, verify=endpoint.verify)
    return DockerClient(
        base_url=endpoint.host,
        version="auto",
        timeout=CONNECT_SECONDS,
        tls=tls,
        use_ssh_client=endpoint.host.startswith("ssh://"),
    )


def _read_engine_info(api: SocketApi | SdkApi, endpoint: Endpoint) -> EngineInfo:
    """Raises EngineMissingError, also where what answers is not an engine, and EngineTooOldError."""
    try:
        info, version = api.info(), api.version()
    except ApiError as error:
        raise EngineMissingError(endpoint.host, error.message) from error
    found = EngineInfo(
        str(info.get("ID") or NO_IDENTITY),
        str(info.get("ServerVersion", "0")),
        str(info.get("DockerRootDir", "")),
        f"{version.get('Os', 'linux')}/{version.get('Arch', '')}",
        uses_containerd(info.get("DriverStatus")),
        walks_layers(info),
    )
    check_engine_version(found.version)
    return found


def measure_free_bytes(root: str) -> int | None:
    """Free bytes of the disk under an engine's folder ``root``; None where it cannot be seen from here."""
    try:
        return shutil.disk_usage(root).free if root else None
    except OSError:
        return None  # an engine in a virtual machine has this folder there, not here


def uses_containerd(status: Any) -> bool:
    """Whether images lie in containerd's store; ``status`` is ``DriverStatus`` of the engine's info, name and value."""
    return _read_driver_status(status).get("driver-type", "").startswith("io.containerd.snapshotter")


def _read_driver_status(status: Any) -> dict[str, str]:
    return {str(pair[0]): str(pair[1]) for pair in status or () if len(pair) == 2}


def walks_layers(info: Mapping[str, Any]) -> bool:
    """Whether an engine with this ``info`` writes layers as containerd's store always does, by walking them.

    Of the storage drivers only overlay2 does, and says where it cannot ("Native Overlay Diff: false", as in an engine
    within a container). All others write each layer sorted by whole path: ``builder.engine.walk_order``.
    """
    status = info.get("DriverStatus")
    native = _read_driver_status(status).get("Native Overlay Diff") == "true"
    return uses_containerd(status) or (info.get("Driver") == "overlay2" and native)


def check_engine_version(version: str) -> None:
    """Raises EngineTooOldError."""
    if parse_major_version(version) < NEEDED_ENGINE:
        raise EngineTooOldError(version, str(NEEDED_ENGINE))


def parse_major_version(version: str) -> int:
    """The leading number of ``26.1.5+dfsg1``; a version without one (a development build) counts as new."""
    found = re.match(r"v?(\d+)", version)
    return int(found[1]) if found else NEEDED_ENGINE


def split_reference(reference: str) -> tuple[str, str]:
    """Name, and digest or else tag, as the engine takes them apart when it pulls, tags and pushes."""
    name, tag = split_image_name(reference)
    return name, reference.partition("@")[2] or tag or "latest"
