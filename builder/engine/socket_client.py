"""An engine that is only asked: through its local socket, or, where it has none (TLS, SSH), through the SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from builder.engine.client import connect_engine, measure_free_bytes
from builder.engine.compose_labels import find_building_projects, index_projects_by_image
from builder.engine.layers import read_image_layers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from builder.engine.layers import ImageLayers
    from builder.engine.protocols import EngineApi


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
    engine = connect_engine(env)
    return EngineReader(
        engine.api,
        identity=engine.info.identity,
        version=engine.info.version,
        containerd_store=engine.info.containerd_store,
        root=engine.info.root if engine.endpoint.is_local else "",
        close=engine.close,
    )
