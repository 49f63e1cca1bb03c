"""One table of a lock, read strictly: every value has a type, and a wrong one is an error that names its key.

The values go into scripts and a Dockerfile, so what a hand may have changed meets the same allowlists as the spec.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from builder.core.errors import LockFileError, Where

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHA256 = re.compile(r"[0-9a-f]{64}")
_LAYER_NAME = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")
"""The name of a layer; its members are such names too: a distribution's, with ``.libs`` for what it bundles."""
_DEBIAN_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
"""Debian policy 5.6.1."""
_DEBIAN_VERSION = re.compile(r"(?:[0-9]+:)?[0-9][A-Za-z0-9.+~-]*")
"""Debian policy 5.6.12."""
_MOST_SHOWN = 500
"""Characters of a message: it may quote a value."""
parse_requirement = functools.lru_cache(maxsize=4096)(Requirement)
"""For who reads it alone. A command parses the lines of a lock when it reads it, and when it compares it with the spec;
the lines of different distributions are often the same."""


@dataclass(frozen=True)
class LockTable:
    """``content`` at the dotted ``key`` of the file ``name``."""

    content: Mapping[str, Any]
    name: str
    key: str
    hint: str

    def make_error(self, key: str, message: str) -> LockFileError:
        dotted = f"{self.key}.{key}" if self.key else key
        short = message if len(message) <= _MOST_SHOWN else f"{message[: _MOST_SHOWN - 100]}...{message[-97:]}"
        return LockFileError(short, where=Where(self.name, key=dotted), hint=self.hint)

    def check_keys(self, *known: str) -> None:
        for key in self.content:
            if key not in known:
                raise self.make_error(key, "is not a key of a lock")

    def has_key(self, key: str) -> bool:
        return key in self.content

    def list_keys(self) -> tuple[str, ...]:
        return tuple(self.content)

    def read_table(self, key: str, *, optional: bool = False) -> LockTable:
        content = self.content.get(key, {} if optional else None)
        if not isinstance(content, dict):
            raise self.make_error(key, "is missing" if content is None else "is not a table")
        return LockTable(content, self.name, f"{self.key}.{key}" if self.key else key, self.hint)

    def read_rows(self, key: str) -> tuple[LockTable, ...]:
        """An array of tables; absent means empty. Rows are named by position and by their ``name``."""
        content = self.content.get(key, [])
        if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
            raise self.make_error(key, "is not a list of tables")
        names = [f"{key}[{_name_row(row, index)}]" for index, row in enumerate(content)]
        return tuple(LockTable(row, self.name, name, self.hint) for name, row in zip(names, content, strict=True))

    def read_string(self, key: str) -> str:
        value = self.content.get(key)
        if not isinstance(value, str) or not value.isprintable():
            raise self.make_error(key, "is missing" if value is None else "is not a line of text")
        return value

    def read_strings(self, key: str) -> tuple[str, ...]:
        value = self.content.get(key)
        if not isinstance(value, list) or not all(isinstance(one, str) and one.isprintable() for one in value):
            raise self.make_error(key, "is missing" if value is None else "is not a list of lines of text")
        return tuple(value)

    def read_pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        """A list of lists of two texts."""
        value = self.content.get(key)
        if not isinstance(value, list) or not all(
            isinstance(pair, list)
            and len(pair) == 2
            and all(isinstance(one, str) and one.isprintable() for one in pair)
            for pair in value
        ):
            raise self.make_error(key, "is missing" if value is None else "is not a list of pairs of texts")
        return tuple((pair[0], pair[1]) for pair in value)

    def read_integer(self, key: str, most: int | None = None) -> int:
        value = self.content.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.make_error(key, "is missing" if value is None else "is not a number of at least 0")
        if most is not None and value > most:
            raise self.make_error(key, f"is {value}; at most {most} is possible")
        return value

    def read_sha256(self, key: str) -> str:
        return self._read_matching(key, _SHA256, "64 hexadecimal digits")

    def read_debian_name(self, key: str) -> str:
        return self._read_matching(key, _DEBIAN_NAME, "a Debian package name")

    def read_debian_version(self, key: str) -> str:
        return self._read_matching(key, _DEBIAN_VERSION, "a Debian version")

    def read_distribution_name(self, key: str) -> str:
        value = self.read_string(key)
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", value) or canonicalize_name(value) != value:
            raise self.make_error(key, f"is {value!r}, not a name normalised by PEP 503")
        return value

    def read_layer_name(self, key: str) -> str:
        return self._read_matching(key, _LAYER_NAME, "the name of a layer")

    def read_layer_members(self, key: str) -> tuple[str, ...]:
        values = self.read_strings(key)
        for value in values:
            if not _LAYER_NAME.fullmatch(value):
                raise self.make_error(key, f"holds {value!r}, not the name of a distribution or of its libraries")
        return values

    def read_distribution_version(self, key: str) -> str:
        value = self.read_string(key)
        try:
            Version(value)
        except ValueError as error:  # InvalidVersion, and a number of more digits than Python reads
            raise self.make_error(key, f"is {value!r}, not a version by PEP 440") from error
        return value

    def read_requirements(self, key: str) -> tuple[str, ...]:
        values = self.read_strings(key)
        for value in values:
            try:
                parse_requirement(value)
            except ValueError as error:  # InvalidRequirement is one
                raise self.make_error(key, f"holds {value!r}, not a requirement by PEP 508") from error
        return values

    def _read_matching(self, key: str, pattern: re.Pattern[str], meaning: str) -> str:
        value = self.read_string(key)
        if not pattern.fullmatch(value):
            raise self.make_error(key, f"is {value!r}, not {meaning}")
        return value


def _name_row(row: Mapping[str, Any], index: int) -> str:
    """Its name, where that can be shown as it is."""
    name = row.get("name")
    return name if isinstance(name, str) and name.isprintable() and len(name) <= 100 else str(index)
