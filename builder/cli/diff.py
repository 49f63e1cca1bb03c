"""``optbuild diff A B``: what grew and shrank between two images, or how an image differs from a lock."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer evaluates the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli.html_page import Html, page_file, write_page
from builder.cli.subjects import lock_file
from builder.cli.world import world_of
from builder.errors import ExitCode, OptbuildError

if TYPE_CHECKING:
    from builder.cli.world import World
    from builder.inspect.diff import ImageDiff
    from builder.inspect.model import Inspection


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def command(  # noqa: PLR0917 - a parameter per option
    ctx: typer.Context,
    before: Annotated[str, typer.Argument(metavar="A", help="An image, or an archive that `docker save` wrote.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The same; or an optbuild.lock, or the folder of one.")],
    output_format: Annotated[
        Format, typer.Option("--format", help="For a person, for machines, or as a comment on a pull request.")
    ] = Format.TEXT,
    top: Annotated[
        str | None, typer.Option("--top", metavar="N", help="Rows of each table; 0: all. JSON always has all.")
    ] = None,
    max_growth: Annotated[
        str | None,
        typer.Option("--max-growth", metavar="20MB|5%", help="Exit code 1 when B is larger than A by more than this."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there, not to stdout.")
    ] = None,
    html: Html = None,
) -> None:
    """Show what grew and shrank from image A to image B: layers, packages with their versions, files, waste.

    With a lock as B: which versions differ, what is missing, and what the lock does not know; then exit code 1 when
    the image is not what the lock says. Markdown is empty where nothing changed.

    In CI: `optbuild diff main.tar branch.tar --format markdown --max-growth 5%`.
    """
    world = world_of(ctx)
    rows = _rows(top)
    lock = lock_file(after, world)
    if lock_file(before, world) is not None:
        hint = "name the image first: optbuild diff IMAGE LOCK; one that is called like a folder with its tag"
        raise OptbuildError(f"{before} is a lock or a folder, no image", hint=hint)
    if lock is not None and html is not None:
        raise OptbuildError("--html shows two images; a lock has no files", hint="use --format markdown --output FILE")
    page = page_file(world, html)
    if lock is not None:
        if max_growth is not None:
            raise OptbuildError("--max-growth compares two images; a lock has no size of its own", hint="leave it away")
        text, differs = _against_lock(before, lock, after, output_format, world)
        _write(text, output, world)
        raise typer.Exit(ExitCode.CHECK_FAILED if differs else ExitCode.DONE)
    found = _compared(before, after, world)
    write_page(page, lambda: _page(found, (before, after)))
    allowed = None if max_growth is None else _allowed(max_growth, found.before.bytes)
    _write(_shown(found, (before, after), output_format, rows, world, to_file=output is not None), output, world)
    if allowed is not None and found.growth > allowed:
        from builder.report.units import size  # noqa: PLC0415

        world.err.write(f"optbuild: {after} is {size(found.growth)} larger than {before}; {max_growth} is allowed\n")
        world.err.flush()
        raise typer.Exit(ExitCode.CHECK_FAILED)


def _rows(top: str | None) -> int | None:
    """A text to typer, which needs 0.13 s to make a number of one."""
    if top is None:
        return None
    if not re.fullmatch(r"[0-9]{1,6}", top):
        raise OptbuildError(f"--top {top} is no number of rows", hint="write it like --top 30; 0 shows all")
    return int(top)


def _allowed(text: str, before: int) -> int:
    """Bytes by which an image of ``before`` bytes may grow."""
    if found := re.fullmatch(r"([0-9]{1,4}(?:\.[0-9]{1,3})?) ?%", text):
        return int(before * float(found[1]) / 100)
    from builder.spec.allow import RefusedError  # noqa: PLC0415 - pydantic
    from builder.spec.types import bytes_of  # noqa: PLC0415

    try:
        return bytes_of(text)
    except RefusedError as error:
        raise OptbuildError(f"--max-growth {text} is no size", hint='write it like "20MB" or "5%"') from error


def _compared(before: str, after: str, world: World) -> ImageDiff:
    from builder.inspect.diff import diff  # noqa: PLC0415

    return diff(_inspected(before, world), _inspected(after, world))


def _inspected(subject: str, world: World) -> Inspection:
    """As `optbuild inspect` sees it."""
    from builder.cli.inspect_flow import InspectOptions, inspected  # noqa: PLC0415 - reads archives

    return inspected(world, InspectOptions(subject)).inspection


def _shown(
    found: ImageDiff, names: tuple[str, str], output_format: Format, rows: int | None, world: World, *, to_file: bool
) -> str:
    from builder.report import imagediff, imagediff_markdown  # noqa: PLC0415

    if output_format is Format.JSON:
        return imagediff.as_json(found, names)
    if output_format is Format.MARKDOWN:
        return imagediff_markdown.as_markdown(found, names, top=imagediff_markdown.TOP if rows is None else rows)
    color = world.color and world.out.isatty() and not to_file
    return imagediff.as_text(found, names, top=imagediff.TOP if rows is None else rows, color=color)


def _page(found: ImageDiff, names: tuple[str, str]) -> str:
    from builder.report.html import diff_page  # noqa: PLC0415

    return diff_page(found, names)


def _against_lock(image: str, lock: Path, name: str, output_format: Format, world: World) -> tuple[str, bool]:
    """The text, and whether they differ. The lock is read first: it is quick to say that there is none."""
    from builder.inspect.againstlock import against_lock  # noqa: PLC0415
    from builder.lock.document import read_lock  # noqa: PLC0415
    from builder.report import lockdiff  # noqa: PLC0415

    locked = read_lock(lock)
    found = against_lock(_inspected(image, world), locked)
    shown = {Format.JSON: lockdiff.as_json, Format.MARKDOWN: lockdiff.as_markdown, Format.TEXT: lockdiff.as_text}
    return shown[output_format](found, (image, name)), found.differs


def _write(text: str, output: Path | None, world: World) -> None:
    from builder.files import atomic_write  # noqa: PLC0415

    if output is None:
        world.out.write(text)
        world.out.flush()
    else:
        atomic_write(world.cwd / output, text.encode("utf-8", "backslashreplace"))
