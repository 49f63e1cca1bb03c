"""Lines of a compose file to be printed: each stays at its place, without the secrets that it holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from builder.core.redact import MASK, find_secret_values, mask_text, mask_value, mask_values
from builder.core.secret_name import is_secret_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_ENTRY = re.compile(
    r"""(?P<before>\s*(?:[-?]\s+)*["']?)(?P<name>[A-Za-z_][\w.-]*)(?P<sign>["']?\s*:(?:\s+|$)|=)(?P<value>.*)"""
)
"""``NAME: value`` of a mapping, ``- NAME=value`` of a list, quoted or not."""
_OPTION = re.compile(r"""\s*-\s+["']?(?P<name>--?[A-Za-z][\w-]*)["']?\s*""")
_ITEM = re.compile(r"(?P<before>\s*-\s+)(?P<value>.*)")
"""The option of a command, and behind it its value, each on a line of its own."""
_OPTION_AT_END = re.compile(r"(?!\s*#).*?(?<![^\s\"'])(?P<name>--?[A-Za-z][\w-]*)(?:\s+\\)?\s*")
_FIRST_WORD = re.compile(r"(?P<before>\s*)(?!-)(?P<value>[^\s\"';&|]+|\"[^\"]*\"|'[^']*')(?P<behind>.*)")
"""The same in a command of several lines."""
_TAGGED = re.compile(r"(?:[!&]\S*\s+)*")
_BLOCK = re.compile(r"[|>][-+0-9]*\s*(?:#.*)?")
_COMMENT = re.compile(r"\s+#.*$")
_STRUCTURE = re.compile(r"""\s*(?:-(?:\s|$)|\#|["']?[\w.<-]+["']?\s*:(?:\s|$)|[\[{])""")
"""What begins a list, a mapping or a comment: its lines are looked at each by itself."""


class _Line(NamedTuple):
    """A line; ``value`` is what is assigned to ``name`` in it. ``shown`` None: as it is, to be searched."""

    text: str
    shown: str | None = None
    name: str = ""
    value: str = ""


class SecretLines:
    """Masks lines of versions of one file. What they assign to a secret's name is masked wherever it occurs."""

    def __init__(self, *versions: Sequence[str]) -> None:
        """Each version as its lines, with or without their ends."""
        self._versions = [list(_read(lines)) for lines in versions]
        assigned = {(line.name, line.value) for lines in self._versions for line in lines if line.value}
        # a name may have several values: a number at its end is not a word of it
        variables = {f"{name}_{number}": value for number, (name, value) in enumerate(sorted(assigned))}
        self._hidden = find_secret_values(variables)
        self._names = frozenset(name for name, _ in assigned)

    def mask(self, version: int, start: int, stop: int) -> list[str]:
        """Lines ``start`` to before ``stop``, from 0."""
        return [self._mask_line(line) for line in self._versions[version][start:stop]]

    def _mask_line(self, line: _Line) -> str:
        if line.shown is not None:
            return mask_values(line.shown, self._hidden, self._names)
        return mask_text(mask_values(line.text, self._hidden, self._names))


def _read(lines: Iterable[str]) -> Iterator[_Line]:
    """Each line with what it assigns, or what it adds to the value of an earlier one."""
    name, depth, literal, option = "", -1, False, ""
    for line in lines:
        bare = line.rstrip("\r\n")
        indent = len(bare) - len(bare.lstrip())
        if name and (not bare.strip() or (indent > depth and (literal or not _STRUCTURE.match(bare)))):
            yield _mask_continued(line, bare, name)
            continue
        item = _ITEM.fullmatch(bare) if option else None
        if item is not None:
            shown, value = _mask_written(item["value"])
            yield _Line(line, f"{item['before']}{shown}{line[len(bare) :]}", option, value)
            option = ""
            continue
        word = _FIRST_WORD.fullmatch(bare) if option and not _STRUCTURE.match(bare) else None
        if word is not None:
            shown, value = _mask_written(word["value"])
            yield _Line(line, mask_text(f"{word['before']}{shown}{word['behind']}{line[len(bare) :]}"), option, value)
            option = ""
            continue
        entry, named = _ENTRY.fullmatch(bare), _OPTION.fullmatch(bare) or _OPTION_AT_END.fullmatch(bare)
        option = named["name"] if named and is_secret_name(named["name"]) else ""
        name = entry["name"] if entry and is_secret_name(entry["name"]) else ""
        if entry is None or not name:
            yield _Line(line) if entry is None else _Line(line, None, entry["name"], _unquote(entry["value"]))
            continue
        value = entry["value"][_find_tag_end(entry["value"]) :]
        if entry["sign"] == "=":  # of `- "NAME=value"` all that is deeper than the dash goes on
            depth, literal = indent, _is_open(entry["before"][-1:] + value)
        else:
            depth = len(entry["before"].rstrip("\"'"))
            literal = _BLOCK.fullmatch(value) is not None or _is_open(value)
        yield _mask_assigned(line, bare, entry)


def _mask_continued(line: str, bare: str, name: str) -> _Line:
    text = bare.strip()
    if not text:
        return _Line(line, line)
    start = bare[: len(bare) - len(bare.lstrip())]
    return _Line(line, f"{start}{MASK}{line[len(bare) :]}", name, text)


def _mask_assigned(line: str, bare: str, entry: re.Match[str]) -> _Line:
    """Of ``- "NAME=value"`` the last quote belongs to the line."""
    end = _find_tag_end(entry["value"])
    start, value = bare[: entry.start("value") + end], entry["value"][end:]
    quote = entry["before"][-1:] if entry["sign"] == "=" and entry["before"][-1:] in ("'", '"') else ""
    at = value.rfind(quote) if quote else len(value)
    value, rest = (value[:at], value[at:]) if at >= 0 else (value, "")
    shown, secret = _mask_written(value)
    return _Line(line, f"{start}{shown}{rest}{line[len(bare) :]}", entry["name"], secret)


def _mask_written(value: str) -> tuple[str, str]:
    """A value as YAML or JSON writes it: without its secret, and the secret."""
    if not value or value[:1] in "*#" or _BLOCK.fullmatch(value):  # an alias is a name
        return value, ""
    plain = value if value[:1] in ("'", '"') else _COMMENT.sub("", value)
    inner = plain.rstrip(" ,")
    shown = mask_value(inner)
    return f"{shown}{value[len(inner) :]}", _unquote(inner) if shown != inner else ""


def _unquote(value: str) -> str:
    return value.rstrip(" ,").strip("\"'")


def _find_tag_end(value: str) -> int:
    """Where the value begins behind its tag or anchor."""
    found = _TAGGED.match(value)
    return found.end() if found else 0


def _is_open(value: str) -> bool:
    """Whether a quoted text goes on in the next line."""
    return value[:1] in ("'", '"') and (len(value) == 1 or value.rstrip(" ,")[-1:] != value[0])
