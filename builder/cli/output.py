"""``--html FILE`` and ``--output FILE``: written in one step; refused before the work where they cannot be written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from builder.errors import UnwritableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.cli.world import World

Html = Annotated[
    Path | None,
    typer.Option(
        "--html",
        metavar="FILE",
        help="Write a page there too, with a map to zoom and a search; one file, nothing is fetched.",
    ),
]


class ResultFile:
    """Where a result goes. Making one checks the place, so make it before the result."""

    def __init__(self, world: World, path: Path) -> None:
        self._world = world
        self._name = str(path)
        self._path = world.cwd / path
        if reason := _refusal(self._path):
            raise UnwritableError(self._name, reason)

    def save(self, data: bytes) -> None:
        from builder.files import atomic_write  # noqa: PLC0415

        try:
            atomic_write(self._path, data)
        except OSError as error:
            raise UnwritableError(self._name, error.strerror or str(error)) from error


class PageFile(ResultFile):
    """One that a browser opens."""

    def write(self, page: str) -> None:
        """Write it, and say on stderr where it is and how large."""
        from builder.report.units import size  # noqa: PLC0415

        data = page.encode()
        self.save(data)
        self._world.progress.note(f"wrote {self._name} ({size(len(data))}): open it in a browser")


def page_file(world: World, path: Path | None) -> PageFile | None:
    """The place that ``--html`` names; None where it was not given."""
    return None if path is None else PageFile(world, path)


def output_file(world: World, path: Path | None) -> ResultFile | None:
    """The place that ``--output`` names; None: stdout."""
    return None if path is None else ResultFile(world, path)


def write_output(file: ResultFile | None, text: str, world: World) -> None:
    if file is not None:
        file.save(text.encode("utf-8", "backslashreplace"))
    else:
        world.out.write(text)
        world.out.flush()


def write_page(file: PageFile | None, make: Callable[[], str]) -> None:
    """Make and write a page, where one was asked for."""
    if file is not None:
        file.write(make())


def _refusal(path: Path) -> str:
    """Why a file cannot be written there, as far as that can be told without writing one; empty: it can."""
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            return "it is a folder" if target.is_dir() else "it is no ordinary file"
        if not target.parent.is_dir():
            return f"{target.parent} is {'no folder' if target.parent.exists() else 'not there'}"
        return "" if os.access(target.parent, os.W_OK | os.X_OK) else f"{target.parent} is not yours to write to"
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links; a name too long; a NUL
        return str(error)
