"""``optbuild diff A B``: what grew and shrank between two images, or how an image differs from a lock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - typer evaluates the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli.formats import TEXT, format_result, make_format_option
from builder.cli.output import Html, has_color, make_output_file, make_page_file, write_output, write_page
from builder.cli.report_options import Output, Top, parse_row_count
from builder.cli.runtime import find_runtime
from builder.core.errors import ExitCode, OptbuildError
from builder.operations.targets import find_lock_path, require_subject_name

if TYPE_CHECKING:
    from builder.core.runtime import Runtime
    from builder.image.lock.model import Lock
    from builder.inspect.diff import ImageDiff
    from builder.inspect.model import Inspection


def command(  # noqa: PLR0917 - a parameter per option
    ctx: typer.Context,
    before: Annotated[
        str, typer.Argument(metavar="A", help="An image, or an archive that `docker save` wrote; or a lock.")
    ],
    after: Annotated[str, typer.Argument(metavar="B", help="The same; or an optbuild.lock, or the folder of one.")],
    output_format: Annotated[str, make_format_option("diff")] = TEXT,
    top: Top = None,
    max_growth: Annotated[
        str | None,
        typer.Option("--max-growth", metavar="20MB|5%", help="Exit code 1 when B is larger than A by more than this."),
    ] = None,
    image: Annotated[
        str | None, typer.Option("--image", metavar="NAME", help="Which image, if an archive holds several.")
    ] = None,
    output: Output = None,
    html: Html = None,
) -> None:
    """Show what grew and shrank from one image to another.

    From A to B: layers, packages with their versions, files, waste. Waste is judged with one base for both: layers
    that both have from an image below, and that both were made from.

    With two locks: which layers change, and about how many bytes a push and a pull of the new image will move;
    nothing is built for it.

    With a lock as B: which versions differ, what is missing, and what the lock does not know; then exit code 1 when
    the image is not what the lock says. Markdown is empty where nothing changed.

    In CI: `optbuild diff main.tar branch.tar --format markdown --max-growth 5%`.
    """
    runtime = find_runtime(ctx)
    names = (require_subject_name(before, "optbuild diff A B"), require_subject_name(after, "optbuild diff A B"))
    target = make_output_file(runtime, output)
    rows, limit = parse_row_count(top), _parse_limit(max_growth)
    old, lock = _read_named_locks(before, after, runtime)
    if lock is not None:
        _refuse_with_lock(html, max_growth)
        if old is not None:
            write_output(target, _compare_locks(old, lock, names, output_format), runtime)
            return
        text, differs = _compare_with_lock(_inspect_subject(before, image, runtime), lock, names, output_format)
        write_output(target, text, runtime)
        raise typer.Exit(ExitCode.CHECK_FAILED if differs else ExitCode.DONE)
    page = make_page_file(runtime, html)
    found = _compare_images(before, after, image, runtime)
    values = {"diff": found, "names": names, "color": has_color(runtime, target)}
    write_output(target, format_result("diff", output_format, values | rows), runtime)
    write_page(page, lambda: _render_diff_page(found, names))
    if limit is not None and limit.is_exceeded_by(found):
        from builder.report.units import format_size

        runtime.err.write(
            f"optbuild: {after} is {format_size(found.growth)} larger than {before}; {limit.text} is allowed\n"
        )
        runtime.err.flush()
        raise typer.Exit(ExitCode.CHECK_FAILED)


def _read_named_locks(before: str, after: str, runtime: Runtime) -> tuple[Lock | None, Lock | None]:
    """Read before the images are; None: an image is meant. Only the second can be a lock alone."""
    paths = find_lock_path(before, runtime), find_lock_path(after, runtime)
    if paths[0] is not None and paths[1] is None:
        hint = "name the image first: optbuild diff IMAGE LOCK; if the image has the name of a folder, add its tag"
        raise OptbuildError(f"{before} is a lock or a folder, not an image", hint=hint)
    if paths[1] is None:
        return None, None
    from builder.image.lock.document import read_lock

    return None if paths[0] is None else read_lock(paths[0]), read_lock(paths[1])


def _refuse_with_lock(html: Path | None, max_growth: str | None) -> None:
    if html is not None:
        raise OptbuildError("--html shows two images; a lock has no files", hint="use --format markdown --output FILE")
    if max_growth is not None:
        raise OptbuildError("--max-growth compares two images; a lock has no size of its own", hint="leave it out")


@dataclass(frozen=True)
class _GrowthLimit:
    """By how much an image may grow: a share in percent, or else bytes."""

    text: str
    percent: float | None
    bytes: int = 0

    def is_exceeded_by(self, found: ImageDiff) -> bool:
        allowed = self.bytes if self.percent is None else found.before.bytes * self.percent / 100
        return found.growth > allowed


def _parse_limit(text: str | None) -> _GrowthLimit | None:
    """Read before the images are."""
    if text is None:
        return None
    if found := re.fullmatch(r"([0-9]{1,4}(?:\.[0-9]{1,3})?) ?%", text):
        return _GrowthLimit(text, float(found[1]))
    from builder.image.spec.allow import RefusedError  # pydantic
    from builder.image.spec.types import parse_byte_size

    try:
        return _GrowthLimit(text, None, parse_byte_size(text))
    except RefusedError as error:
        raise OptbuildError(f"--max-growth {text} is not a size", hint='write it like "20MB" or "5%"') from error


def _compare_images(before: str, after: str, image: str | None, runtime: Runtime) -> ImageDiff:
    from builder.operations.inspect import compare_subjects  # reads archives

    return compare_subjects(runtime, before, after, image)


def _inspect_subject(subject: str, image: str | None, runtime: Runtime) -> Inspection:
    from builder.operations.inspect import inspect_subject  # reads archives

    return inspect_subject(runtime, subject, image)


def _render_diff_page(found: ImageDiff, names: tuple[str, str]) -> str:
    from builder.report.html import render_diff_page

    return render_diff_page(found, names)


def _compare_with_lock(found: Inspection, lock: Lock, names: tuple[str, str], output_format: str) -> tuple[str, bool]:
    """The text, and whether they differ."""
    from builder.inspect.lock_diff import compare_with_lock

    differences = compare_with_lock(found, lock)
    values = {"diff": differences, "names": names}
    return format_result("diff", output_format, values, variant="lock"), differences.differs


def _compare_locks(old: Lock, new: Lock, names: tuple[str, str], output_format: str) -> str:
    from builder.image.lock.layers.moves import predict_moves

    return format_result("diff", output_format, {"moves": predict_moves(old, new), "names": names}, variant="moves")
