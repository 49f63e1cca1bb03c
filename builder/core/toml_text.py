"""TOML that somebody else wrote: whatever is wrong with it is one kind of error, and is said at once."""

from __future__ import annotations

import re
import tomllib
from typing import Any

MOST_PARTS = 100
"""Of a dotted key. tomllib of Python 3.11 takes minutes for a hundred thousand."""
_LONG_KEY = re.compile(rf"^[ \t]*\[{{0,2}}(?:[^\s.=\[\]#]+[ \t]*\.[ \t]*){{{MOST_PARTS}}}", re.MULTILINE)


def parse_toml(text: str) -> dict[str, Any]:
    """What ``text`` says. Raises TOMLDecodeError, also for what is nested too deeply and for numbers without end."""
    if long := _LONG_KEY.search(text):
        line = text.count("\n", 0, long.end()) + 1
        raise tomllib.TOMLDecodeError(f"a key has more than {MOST_PARTS} parts (at line {line}, column 1)")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError as error:
        raise tomllib.TOMLDecodeError("nested too deeply") from error
    except ValueError as error:  # an integer of more digits than Python reads
        raise tomllib.TOMLDecodeError("a number has too many digits") from error
