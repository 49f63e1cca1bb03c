"""How figures and foreign texts are shown: bytes as Docker writes them, no character that moves a cursor."""

from __future__ import annotations

import re

UNKNOWN = "—"
"""Where nothing was measured; never 0."""
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_STEP = 1000
_UNSAFE = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls: escape sequences, backspace, carriage return
    "\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what turns the direction of writing around
    "\u2028\u2029\ufeff"  # line ends to some readers, and a mark that nobody sees
    "\ud800-\udfff"  # halves of a character, which no UTF-8 can hold
    "]"
)


def format_size(count: int | None) -> str:
    """``2.84 GB``: decimal, three digits, as `docker images` does it; ``—`` where it was not measured."""
    if count is None:
        return UNKNOWN
    value, unit = float(count), 0
    while value >= _STEP and unit < len(_UNITS) - 1:
        value, unit = value / _STEP, unit + 1
    text = f"{value:.3g}" if value < 999.5 else f"{value:.0f}"  # else it reads 1e+03
    return f"{text} {_UNITS[unit]}"


def format_growth(count: int) -> str:
    """``+6.1 MB``, ``-3 kB``, ``0 B``."""
    sign = "+" if count > 0 else "-" if count < 0 else ""
    return f"{sign}{format_size(abs(count))}"


def escape_controls(text: str) -> str:
    """``text`` for a terminal or a log: line ends stay, everything else that steers one is spelled out."""
    return _UNSAFE.sub(
        lambda found: f"\\x{ord(found[0]):02x}" if ord(found[0]) < 256 else f"\\u{ord(found[0]):04x}", text
    )


def escape_to_one_line(text: str) -> str:
    """The same on one line; tabs become blanks."""
    return escape_controls(text).replace("\n", "\\n").replace("\t", " ")


def pluralize(number: int, noun: str) -> str:
    """``1 service``, ``3 services``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
