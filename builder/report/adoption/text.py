"""What `optbuild init` took over and what it did not, as text."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from builder.report.prose import wrap_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.adopt.model import Adoption, SchemaFile


def format_adoption_text(
    adoption: Adoption, path: str, schema: SchemaFile | None, *, written: bool, width: int = 0
) -> str:
    """The open points, what was changed in passing, and the next command. ``width`` of the terminal; 0: it is none."""
    verb = "Wrote" if written else "Would write"
    lines = [
        *_iterate_head(adoption, f"{verb} {path}", width),
        *_iterate_schema(schema, verb, width),
        *_iterate_points(adoption, width),
    ]
    next_step = "`optbuild lock`, then `optbuild build --verify`" if written else "the same without --dry-run"
    lines += ["", *wrap_text(f"next: {next_step}", "", width=width)]
    return "".join(f"{line}\n" for line in lines)


def _iterate_head(adoption: Adoption, done: str, width: int) -> Iterator[str]:
    points = len(adoption.open)
    left = (
        "every point is carried over"
        if not points
        else f"{points} {'point stays' if points == 1 else 'points stay'} open"
    )
    yield from wrap_text(
        f"{done}: {adoption.carried} values from {', '.join(adoption.sources)}; {left}.", "", width=width
    )


def _iterate_schema(schema: SchemaFile | None, verb: str, width: int) -> Iterator[str]:
    """Nothing where the file is there as it would be written."""
    if schema is None or not (schema.is_new or schema.is_other):
        return
    text = f"{verb} {schema.path}, by which editors complete and check the former (--no-schema: neither file nor line)."
    if schema.is_other:
        step = f"`optbuild schema --output {shlex.quote(schema.path)}` writes that of this version"
        text = f"{schema.path} is there already with another content, and is not overwritten: {step}."
    yield from wrap_text(text, "", width=width)


def _iterate_points(adoption: Adoption, width: int) -> Iterator[str]:
    if adoption.open:
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
