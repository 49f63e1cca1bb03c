"""An archive of `docker save` → images on an engine, while it streams by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builder.core.errors import EngineFailedError
from builder.engine.errors import translate_sdk_errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from docker import DockerClient

LOAD_SECONDS = 4 * 3600
"""The engine unpacks a whole archive before it answers."""


def load_archive(client: DockerClient, chunks: Iterable[bytes]) -> None:
    """What ``docker load`` does. An error that ``chunks`` raises ends the request unfinished: nothing is loaded then.

    Raises EngineFailedError.
    """
    api: Any = client.api  # partly without types
    usual, api.timeout = api.timeout, LOAD_SECONDS
    with translate_sdk_errors("loading an archive"):
        try:
            for said in api.load_image(chunks):
                _check_answer(said)
        finally:
            api.timeout = usual


def _check_answer(said: object) -> None:
    """The SDK passes on what the engine says, refusals too."""
    if not isinstance(said, dict):
        raise EngineFailedError(f"the engine gave an unexpected answer when it loaded the archive: {str(said)[:200]}")
    detail = said.get("errorDetail")
    problem = detail.get("message") if isinstance(detail, dict) else said.get("error") or said.get("message")
    if problem:
        raise EngineFailedError(f"the engine does not load the archive: {problem}")
