"""Files and folders that a person names for results: refused before the work where they cannot be written; a file is
written in one step."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from builder.core.errors import NotWrittenError, UnwritableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from builder.core.runtime import Runtime

Html = Annotated[
    Path | None,
    typer.Option(
        "--html",
        metavar="FILE",
        help="Also write a page there, with a map to zoom and a search; one file that loads nothing.",
    ),
]


_NAME_A_FILE = "name a file in a folder that you may write to"
_NAME_A_FOLDER = "name a folder that you may write to"


class ResultFile:
    """Where a result goes. Making one checks the place, so make it before the result."""

    def __init__(self, runtime: Runtime, path: Path, *, hint: str = _NAME_A_FILE) -> None:
        self._runtime = runtime
        self._name = str(path)
        self._path = runtime.cwd / path
        if reason := _explain_stream(path) or _explain_file_refusal(self._path):
            raise UnwritableError(self._name, reason, hint=hint)

    def save(self, data: bytes) -> None:
        """In one step. Raises NotWrittenError: then the file is as it was."""
        from builder.core.files import write_atomically

        try:
            write_atomically(self._path, data)
        except OSError as error:
            raise NotWrittenError(self._name, error.strerror or str(error)) from error


class PageFile(ResultFile):
    """One that a browser opens."""

    def write(self, page: str) -> None:
        """Write it, and say on stderr where it is and how large."""
        from builder.report.units import format_size

        data = page.encode()
        self.save(data)
        self._runtime.progress.note(f"wrote {self._name} ({format_size(len(data))}): open it in a browser")


def make_page_file(runtime: Runtime, path: Path | None) -> PageFile | None:
    """The place that ``--html`` names; None where it was not given."""
    return None if path is None else PageFile(runtime, path)


def make_output_file(runtime: Runtime, path: Path | None) -> ResultFile | None:
    """The place that an option names; None: it was not given."""
    return None if path is None else ResultFile(runtime, path)


def check_output_folder(runtime: Runtime, path: Path, files: Iterable[str] = ()) -> Path:
    """The folder that a person names for results; it is there or can be made, and so are ``files`` in it.

    Raises UnwritableError.
    """
    folder = runtime.cwd / path
    if reason := _explain_stream(path) or _explain_folder_refusal(folder):
        raise UnwritableError(str(path), reason, hint=_NAME_A_FOLDER)
    for name in files:
        if reason := _explain_file_refusal(folder / name, make_folder=True):
            raise UnwritableError(str(path / name), reason, hint=_NAME_A_FOLDER)
    return folder


def write_output(file: ResultFile | None, text: str, runtime: Runtime) -> None:
    """Into the file, or else to stdout: also where writing the file fails, because minutes of work may be in it."""
    if file is not None:
        try:
            file.save(text.encode("utf-8", "backslashreplace"))
        except NotWrittenError:
            _write_stdout(text, runtime)
            raise
    else:
        _write_stdout(text, runtime)


def has_color(runtime: Runtime, file: ResultFile | None = None) -> bool:
    """Whether a result may be coloured: on a terminal, not in a file."""
    return runtime.color and runtime.out.isatty() and file is None


def find_width(runtime: Runtime, file: ResultFile | None = None) -> int:
    """Characters in a line of the terminal that a result goes to; 0: it goes elsewhere."""
    return runtime.width if file is None else 0


def _write_stdout(text: str, runtime: Runtime) -> None:
    runtime.out.write(text)
    runtime.out.flush()


def write_page(file: PageFile | None, make: Callable[[], str]) -> None:
    """Make and write a page, where one was asked for."""
    if file is not None:
        file.write(make())


def _explain_stream(path: Path) -> str:
    """A dash is stdout elsewhere, and /dev/stdout a link to what that is now: a file there would be replaced."""
    return "it is a stream" if re.fullmatch(r"-|/dev/(std(in|out|err)|fd/\d+)", str(path)) else ""


def _explain_file_refusal(path: Path, *, make_folder: bool = False) -> str:
    """Why a file cannot be written there, as far as can be seen without writing one; empty: it can."""
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            return "it is a folder" if target.is_dir() else "it is not an ordinary file"
        if target.exists() and not os.access(target, os.W_OK):
            return "it is write-protected"
        if not make_folder and not target.parent.exists():
            return f"{target.parent} does not exist"
        return _explain_folder_refusal(target.parent)
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links; a name too long; a NUL
        return str(error)


def _explain_folder_refusal(folder: Path) -> str:
    """Why nothing can be written into a folder, which need not be there yet; empty: it can."""
    from builder.core.files import find_obstacle

    if (there := find_obstacle(folder)) is not None:
        return f"{there} is not a folder"
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    return "" if os.access(nearest, os.W_OK | os.X_OK) else f"you may not write to {nearest}"
