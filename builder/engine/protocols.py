"""What the other rooms ask of an engine, each part by the name of who needs it.

Both transports fulfil the questions (``...Api``): :class:`builder.engine.socket_client.SocketApi` and
:class:`builder.engine.sdk_client.SdkApi`. They are named as the SDK's low-level client names them, and answer with the
JSON of the Docker Engine API (docs.docker.com/reference/api/engine). Tests fulfil them without an engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from builder.engine.compose_containers import Container


class ImageApi(Protocol):
    """Which images there are."""

    def images(self) -> list[dict[str, Any]]: ...

    def inspect_image(self, image: str) -> dict[str, Any]: ...


class HistoryApi(ImageApi, Protocol):
    """Also what their layers are made of."""

    def history(self, image: str) -> list[dict[str, Any]]: ...


class ArchiveApi(ImageApi, Protocol):
    """Also their archives."""

    def get_image(self, image: str, chunk_size: int = ...) -> Iterator[bytes]: ...


class InspectionApi(HistoryApi, ArchiveApi, Protocol):
    """All that an inspection asks."""


class UsageApi(Protocol):
    """How many bytes something takes."""

    def usage(self, kind: str) -> dict[str, Any]: ...


class StoreApi(HistoryApi, UsageApi, Protocol):
    """All that the list of images asks."""

    def images(self, *, all: bool = False) -> list[dict[str, Any]]: ...  # noqa: A002 - the SDK's name

    def containers(self) -> list[dict[str, Any]]: ...


class EngineApi(StoreApi, InspectionApi, Protocol):
    """All questions: what both transports answer."""


class InspectableEngine(Protocol):
    """An engine whose images are looked into."""

    @property
    def api(self) -> InspectionApi: ...


class SavingEngine(Protocol):
    """An engine whose images are saved. ``free_bytes``: None where its disk cannot be seen from here."""

    @property
    def api(self) -> ArchiveApi: ...

    def measure_free_bytes(self) -> int | None: ...


class RestoringEngine(SavingEngine, Protocol):
    """Also one that images are brought back to."""

    def find_image_id(self, reference: str) -> str | None: ...

    def tag(self, image: str, reference: str) -> None: ...

    def load(self, chunks: Iterable[bytes]) -> None: ...


class ImageStore(Protocol):
    """The part of :class:`builder.engine.compose_containers.StackEngine` that names images and deletes them."""

    def list_references(self, image_id: str) -> tuple[str, ...]: ...

    def find_image_id(self, reference: str) -> str | None: ...

    def tag(self, image_id: str, reference: str) -> None: ...

    def untag(self, reference: str) -> None: ...

    def remove(self, image_id: str) -> bool: ...


class ProjectEngine(ImageStore, Protocol):
    """The part of :class:`builder.engine.compose_containers.StackEngine` that knows the containers of a project."""

    @property
    def identity(self) -> str: ...

    def list_containers(self, project: str) -> tuple[Container, ...]: ...

    def list_used_images(self) -> frozenset[str]: ...

    def list_all_images(self) -> frozenset[str]: ...

    def read_image_environment(self, image_id: str) -> Mapping[str, str]: ...

    def read_log(self, container: str, lines: int) -> tuple[str, ...]: ...

    def read_health_output(self, container: str) -> tuple[str, ...]: ...

    def find_exit_times(self, project: str, since: float, until: float) -> Mapping[str, float]: ...

    def find_stopping_containers(self, project: str, since: float, until: float) -> frozenset[str]: ...

    def remove_unfinished_containers(self, project: str) -> tuple[str, ...]: ...
