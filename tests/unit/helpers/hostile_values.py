"""Values that somebody writes to break out of their place, by class, and where in a good value they are put."""

from __future__ import annotations

import itertools
import os
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_IS_LONG = bool(os.environ.get("OPTBUILD_SOAK"))
LONG = 2_000_000 if _IS_LONG else 100_000
"""Characters. A file may have 5 MB, and the name of a role stands in it twice."""
CLASSES: dict[str, tuple[str, ...]] = {
    "newline": ("\n", "\nUSER 0\n", "x\nRUN id"),
    "carriage return": ("\r", "\r\nUSER 0", "a\rUSER 0"),
    "NUL": ("\x00", "a\x00b"),
    "other control": ("\t", "\x1b[2J", "\x07", "\x7f", "\x0b", "\x0c"),
    "C1": ("\x85", "\x9b31m", "\x90"),
    "line separator": ("\u2028", "a\u2028USER 0", "\u2029"),
    "bidi": ("\u202e", "\u2066a\u2069", "\u200f", "\u200b", "\ufeff", "\u00ad"),
    "quotes": ('"', "'", 'x"\nUSER 0\nLABEL y="', "a' 'b"),
    "backslash at the end": ("\\", "a\\", "\\\\"),
    "shell": ("$(id)", "`id`", "$((1))", ";id", "|id", "&& id", ">x"),
    "variable": ("${HOME}", "$PATH", "${PATH:-x}"),
    "comment": ("#", " # x", "# syntax=host.example/x"),
    "template": ("{{ lock }}", "{% include 'x' %}", "{#", "#}"),
    "option": ("-", "--", "--index-url=https://host.example", "-e .", "--privileged"),
    "path": (
        "..",
        "../outside/secret.txt",
        "a/../../outside/secret.txt",
        "~/secret",
        "./x",
        "//x",
        "link",
        "linked/secret.txt",
    ),
    "heredoc": ("<<EOF", "<<-'EOF'"),
    "URL": ("http://host.example/x", "file:///etc/passwd", "git+ssh://host.example/x"),
    "lone surrogates and such": ("\ud800", "\U000e0001", "\ufffe"),
    "empty": ("", " "),
    "very long": ("a" * LONG, "1" * LONG, "a-" * (LONG // 2)),
}


def list_values(outside: Path, field: str, one_of: int = 1) -> tuple[tuple[str, str], ...]:
    """Class and value: in the long runs all of them, else one of each class, another one for another ``field``.

    With ``one_of`` 3 only of each third class, others for another ``field``: where many fields are checked alike.
    ``outside`` is a folder that must not be read: absolute paths name it.
    """
    classes = {**CLASSES, "absolute path": (str(outside / "secret.txt"), str(outside))}
    if _IS_LONG:
        return tuple((name, value) for name, values in classes.items() for value in values)
    first = zlib.crc32(field.encode()) % one_of
    chosen = {
        name: zlib.crc32(f"{field} {name}".encode()) % len(classes[name])
        for name in itertools.islice(classes, first, None, one_of)
    }
    return tuple((name, classes[name][index]) for name, index in chosen.items())


def iterate_places(good: str, value: str) -> Iterator[str]:
    """Alone, behind a good value, before it and inside; outside the long runs one of the first two.

    A value of megabytes takes the first two places alone: nearly all of the time goes into reading those.
    """
    middle = len(good) // 2
    places = (value, good + value, value + good, good[:middle] + value + good[middle:])
    if _IS_LONG:
        yield from places[:2] if len(value) >= LONG else places
    else:
        yield places[zlib.crc32((good + value[:50]).encode("utf-8", "replace")) % 2]
