"""Images of an engine → archives in a folder, each read back whole before the folder's manifest names it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from builder.progress import Progress
    from builder.store.manifest import SavedImage


class SavingApi(Protocol):
    """What is asked of :class:`builder.engine.quick.SocketApi` or :class:`builder.engine.sdkapi.SdkApi`."""

    def images(self) -> list[dict[str, Any]]: ...

    def inspect_image(self, image: str) -> dict[str, Any]: ...

    def get_image(self, image: str, chunk_size: int = ...) -> Iterator[bytes]: ...


class ImageSource(Protocol):
    """An engine: what :func:`builder.engine.quick.look` gives, or :class:`builder.engine.client.Engine`."""

    @property
    def api(self) -> SavingApi: ...


def save_images(
    engine: ImageSource, image_ids: Sequence[str], folder: Path, progress: Progress
) -> tuple[SavedImage, ...]:
    """Only those that were read back and found whole, whether now or in an earlier run: these may be deleted.

    An image that vanishes meanwhile, or whose archive is not what the image says, is left out; ``progress`` says why.
    Raises BackupFolderError, DamagedBackupError (the manifest), DiskFullError, EngineFailedError: what was saved
    before stays in the folder.
    """
    raise NotImplementedError
