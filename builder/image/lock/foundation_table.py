"""The table ``[foundation]`` of a lock: written in one stable form, read strictly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from builder.image.lock.foundation import Foundation, InstalledDistribution, InstalledPackage
from builder.image.lock.foundation_check import iterate_foundation_problems

if TYPE_CHECKING:
    from builder.image.lock.table import LockTable

_KINDS = ("image", "airflow")
_CONTRACTS = ("", "optbuild", "official")
_LISTS = ("layers", "entrypoint", "command", "shell")
_WORDS = ("kind", "reference", "digest", "platform", "debian", "glibc", "python", "python-path", "user", "contract")
_FOLDER = "working-folder"
_BYTES = "bytes"
"""Older locks do not have it."""
_ROWS = ("environment", "packages", "distributions")


def format_foundation(foundation: Foundation) -> dict[str, Any]:
    """The table, keys in their order. What is installed is a line each: ``name version architecture`` and
    ``name version bytes folder``."""
    words = {key: getattr(foundation, key.replace("-", "_")) for key in (*_WORDS, _FOLDER)}
    lists = {key: list(getattr(foundation, key)) for key in _LISTS}
    return {
        **words,
        **lists,
        **({_BYTES: foundation.bytes} if foundation.bytes else {}),
        "environment": [list(pair) for pair in foundation.environment],
        "packages": [f"{one.name} {one.version} {one.architecture}" for one in foundation.packages],
        "distributions": [f"{one.name} {one.version} {one.bytes} {one.folder}" for one in foundation.distributions],
    }


def parse_foundation(root: LockTable, platform: str) -> Foundation | None:
    """The foundation of the lock whose root this is; None: it has none. Raises :class:`LockFileError`."""
    if not root.has_key("foundation"):
        return None
    table = root.read_table("foundation")
    table.check_keys(*_WORDS, _FOLDER, *_LISTS, _BYTES, *_ROWS)
    words: dict[str, Any] = {key.replace("-", "_"): table.read_string(key) for key in (*_WORDS, _FOLDER)}
    if words["kind"] not in _KINDS:
        raise table.make_error("kind", f"is {words['kind']!r}, not one of {', '.join(_KINDS)}")
    if words["contract"] not in _CONTRACTS:
        raise table.make_error("contract", f"is {words['contract']!r}, not one of {', '.join(map(repr, _CONTRACTS))}")
    foundation = Foundation(
        **words,
        **cast("Any", {key: table.read_strings(key) for key in _LISTS}),
        bytes=table.read_integer(_BYTES) if table.has_key(_BYTES) else 0,
        environment=table.read_pairs("environment"),
        packages=tuple(_parse_package(table, line) for line in table.read_strings("packages")),
        distributions=tuple(_parse_distribution(table, line) for line in table.read_strings("distributions")),
    )
    for key, message in iterate_foundation_problems(foundation, platform):
        raise table.make_error(key, message)
    return foundation


def _parse_package(table: LockTable, line: str) -> InstalledPackage:
    words = line.split(" ")
    if len(words) != 3:
        raise table.make_error("packages", f"holds {line!r}, not a name, a version and an architecture")
    return InstalledPackage(*words)


def _parse_distribution(table: LockTable, line: str) -> InstalledDistribution:
    words = line.split(" ", 3)
    if len(words) != 4 or not words[2].isascii() or not words[2].isdigit():
        raise table.make_error("distributions", f"holds {line!r}, not a name, a version, bytes and a folder")
    return InstalledDistribution(words[0], words[1], words[3], int(words[2]))
