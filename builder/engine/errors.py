"""What both ways to ask an engine share, its SDK and its socket: the errors, and how long and how much at a time."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from builder.core.errors import EngineFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECT_SECONDS = 60
SAVE_CHUNK = 1 << 20
"""Bytes of an archive that are handed on at a time."""


ASK_AGAIN = (
    "give the command again; where it fails again, the engine's own log says why, and `optbuild doctor` what it has"
)


class ApiError(EngineFailedError):
    """The engine refused a request. ``status_code`` as in the SDK's APIError; 0: it broke off before it said one."""

    def __init__(self, path: str, status: int, reason: str) -> None:
        said = f"the engine answered {status} to {path}" if status else f"the engine did not answer {path}"
        super().__init__(f"{said}: {reason}", hint=ASK_AGAIN)
        self.status_code = status


@contextlib.contextmanager
def translate_sdk_errors(doing: str) -> Iterator[None]:
    """What the SDK raises becomes EngineFailedError, which says what was being done."""
    from docker.errors import APIError, DockerException  # the SDK costs 150 ms
    from requests.exceptions import RequestException

    try:
        yield
    except APIError as error:
        raise EngineFailedError(f"{doing}: {error.explanation or error}", hint=ASK_AGAIN) from error
    except (DockerException, RequestException) as error:
        raise EngineFailedError(f"{doing}: {find_innermost_reason(error)}", hint=ASK_AGAIN) from error


def find_innermost_reason(error: BaseException) -> str:
    """The innermost words of a chain of wrapped errors: ``No such file or directory`` says more than its wrapping."""
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
    if isinstance(error, NameError):  # the SDK's way to say that its optional SSH parts are absent
        return "an engine behind SSH needs `pip install 'docker[ssh]'`"
    return getattr(error, "strerror", None) or str(error)
