"""A command line as values: what its completion, its manual and its reference are written from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ValueKind(Enum):
    """What a word of the command line names, and so with what a shell completes it."""

    IMAGE = "image"
    SERVICE = "service"
    FILE = "file"
    FOLDER = "folder"
    OTHER = "other"


@dataclass(frozen=True)
class OptionRow:
    """``metavar`` is empty for a flag; ``choices`` are all values, where they are known; ``default`` as it is typed."""

    names: tuple[str, ...]
    help: str
    metavar: str = ""
    choices: tuple[str, ...] = ()
    kind: ValueKind = ValueKind.OTHER
    repeated: bool = False
    required: bool = False
    default: str = ""


@dataclass(frozen=True)
class ArgumentRow:
    """A word that is not an option."""

    metavar: str
    help: str
    kind: ValueKind
    required: bool
    repeated: bool
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class CommandRow:
    """``group`` is that of `optbuild --help`; ``text`` what follows the summary, paragraph by paragraph."""

    name: str
    group: str
    summary: str
    text: tuple[str, ...]
    arguments: tuple[ArgumentRow, ...]
    options: tuple[OptionRow, ...]
