"""Sentences in lines that fit: one rule for all reports. What is to be copied is never broken."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from builder.report.units import escape_to_one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 100
"""Without a terminal, and on a wider one: longer lines are hard to read."""
_COMMAND = re.compile(r"`[^`]*`")
_KEPT = "\0"
"""In place of a blank where no line may end; :func:`escape_to_one_line` leaves no such character in a text."""


def wrap_text(text: str, first: str, rest: str | None = None, *, width: int = 0) -> Iterator[str]:
    """Foreign text, harmless, in lines of at most WIDTH, and of ``width`` where that is said and less; a word or a
    command in backticks that is longer stays whole, to be copied."""
    kept = _COMMAND.sub(lambda found: found[0].replace(" ", _KEPT), escape_to_one_line(text))
    lines = textwrap.wrap(
        kept,
        min(width or WIDTH, WIDTH),
        initial_indent=first,
        subsequent_indent=" " * len(first) if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    yield from (line.replace(_KEPT, " ") for line in lines or [first.rstrip()])
