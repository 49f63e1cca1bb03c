"""What is asked about images, through the SDK and with our own errors, as the engine's socket is asked."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from builder.engine.errors import SAVE_CHUNK, ApiError, translate_sdk_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient

SAVE_SECONDS = 4 * 3600
"""The engine packs a whole image before it sends its first byte."""


class SdkApi:
    """Raises AnswerError where the engine refuses, EngineFailedError where it cannot be reached."""

    def __init__(self, client: DockerClient) -> None:
        self._api: Any = client.api  # partly without types

    def info(self) -> dict[str, Any]:
        with _translate_refusals("/info"):
            return dict(self._api.info())

    def version(self) -> dict[str, Any]:
        with _translate_refusals("/version"):
            return dict(self._api.version())

    def images(self, *, all: bool = False) -> list[dict[str, Any]]:  # noqa: A002 - the SDK's name
        with _translate_refusals("/images/json"):
            return list(self._api.images(all=all))

    def inspect_image(self, image: str) -> dict[str, Any]:
        with _translate_refusals(f"/images/{image}/json"):
            return dict(self._api.inspect_image(image))

    def history(self, image: str) -> list[dict[str, Any]]:
        with _translate_refusals(f"/images/{image}/history"):
            return list(self._api.history(image))

    def containers(self) -> list[dict[str, Any]]:
        """Also those that do not run."""
        with _translate_refusals("/containers/json"):
            return list(self._api.containers(all=True))

    def usage(self, kind: str) -> dict[str, Any]:
        """``/system/df`` of one kind. The SDK's own ``df`` cannot ask for one, and has all of them added up."""
        with _translate_refusals("/system/df"):
            answer = self._api.get(f"{self._api.base_url}/v{self._api.api_version}/system/df", params={"type": kind})
            return dict(answer.json()) if answer.ok else {}

    def get_image(self, image: str, chunk_size: int = SAVE_CHUNK) -> Iterator[bytes]:
        """What ``docker save`` writes."""
        with _translate_refusals(f"/images/{image}/get"):
            usual, self._api.timeout = self._api.timeout, SAVE_SECONDS
            try:
                yield from self._api.get_image(image, chunk_size=chunk_size)
            finally:
                self._api.timeout = usual


@contextlib.contextmanager
def _translate_refusals(path: str) -> Iterator[None]:
    from docker.errors import APIError  # the SDK costs 150 ms

    with translate_sdk_errors(f"asking the engine for {path}"):
        try:
            yield
        except APIError as error:
            raise ApiError(path, int(error.status_code or 0), str(error.explanation or error)) from error
