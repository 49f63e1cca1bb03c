"""The streams of a child: each is read or fed on a thread of its own, so that none can stop it."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def feed_stdin(stream: IO[bytes] | None, data: bytes | None) -> None:
    """Write on a thread of its own: a child that does not read must not get around the time limit."""
    if data is None or stream is None:
        return

    def write() -> None:
        with contextlib.suppress(BrokenPipeError):  # the child ended without reading; its exit code tells
            stream.write(data)
        with contextlib.suppress(BrokenPipeError):
            stream.close()

    threading.Thread(target=write, daemon=True).start()


def join_readers(readers: tuple[StreamReader, ...], seconds: float) -> None:
    """Until the streams ended; a grandchild that keeps one open is not waited for longer than that."""
    end = time.monotonic() + seconds
    for reader in readers:
        reader.join(max(0.0, end - time.monotonic()))


class StreamReader:
    """Drains one stream on a thread, so that neither pipe can fill up and stop the child.

    An error of the callback does not stop the draining; :meth:`text` raises it.
    """

    def __init__(self, stream: IO[bytes] | None, on_line: Callable[[str], None] | None) -> None:
        self._lines: list[str] = []
        self._stream = stream
        self._on_line = on_line
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def _drain(self) -> None:
        if self._stream is None:
            return
        with self._stream:
            for raw in self._stream:
                line = raw.decode("utf-8", "replace")
                self._lines.append(line)
                self._pass_line(line.rstrip("\r\n"))

    def _pass_line(self, line: str) -> None:
        if self._on_line is None or self._error is not None:
            return
        try:
            self._on_line(line)
        except BaseException as error:  # noqa: BLE001 - raised again by text(), on the thread that can handle it
            self._error = error

    def join(self, seconds: float) -> None:
        self._thread.join(timeout=seconds)

    def read_text(self) -> str:
        if self._error is not None:
            raise self._error
        return "".join(self._lines)
