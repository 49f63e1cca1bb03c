"""What `optbuild init` took over and what it did not, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.report.prose import wrap_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.adopt.model import Adoption


def format_adoption_text(adoption: Adoption, path: str, *, written: bool, width: int = 0) -> str:
    """The open points, what was changed in passing, and the next command. ``width`` of the terminal; 0: it is none."""
    return "".join(f"{line}\n" for line in _iterate_lines(adoption, path, written=written, width=width))


def _iterate_lines(adoption: Adoption, path: str, *, written: bool, width: int) -> Iterator[str]:
    verb = "Wrote" if written else "Would write"
    points = len(adoption.open)
    left = (
        "every point is carried over"
        if not points
        else f"{points} {'point stays' if points == 1 else 'points stay'} open"
    )
    yield from wrap_text(
        f"{verb} {path}: {adoption.carried} values from {', '.join(adoption.sources)}; {left}.", "", width=width
    )
    if points:
        yield ""
        yield "Not carried over:"
    for point in adoption.open:
        yield from wrap_text(f"{point.where}: {point.what}", "  ! ", "      ", width=width)
        yield from wrap_text(point.reason, "    ", "    ", width=width)
        yield from wrap_text(point.step, "    next: ", "          ", width=width)
    if adoption.remarks:
        yield ""
        yield "Carried over in another form, or not needed:"
    for remark in adoption.remarks:
        yield from wrap_text(f"{remark.where}: {remark.text}", "  · ", "    ", width=width)
    yield ""
    next_step = "`optbuild lock`, then `optbuild build --verify`" if written else "the same without --dry-run"
    yield from wrap_text(f"next: {next_step}", "", width=width)
