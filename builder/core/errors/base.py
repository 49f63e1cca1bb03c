"""What every failure has: a message, a place, a next step, an exit code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

from builder.core.phrases import format_short_list

if TYPE_CHECKING:
    from collections.abc import Sequence


class ExitCode(IntEnum):
    """The documented exit codes of every command."""

    DONE = 0
    CHECK_FAILED = 1
    USAGE = 2
    ENGINE = 3
    BUG = 4
    INTERRUPTED = 130


@dataclass(frozen=True)
class Where:
    """A place in a file that a person wrote. ``line`` counts from 1; ``key`` is dotted (``image.name``)."""

    file: str
    line: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return place if self.key is None else f"{place}: {self.key}"


class OptbuildError(Exception):
    """A failure that the person at the terminal can do something about."""

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE

    def __init__(self, message: str, *, where: Where | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        text = self.message if self.where is None else f"{self.where}: {self.message}"
        return text if self.hint is None else f"{text}\n  next: {self.hint}"


class CheckFailedError(OptbuildError):
    """A check failed, or ``--check`` found a difference."""

    exit_code = ExitCode.CHECK_FAILED


class ToolError(OptbuildError):
    """The engine or another outside tool is missing or failed."""

    exit_code = ExitCode.ENGINE


class InterruptedByUserError(OptbuildError):
    """Ctrl-C or SIGTERM."""

    exit_code = ExitCode.INTERRUPTED


class UnwritableError(OptbuildError):
    """A place for a result cannot be written to; said before the work that makes the result."""

    def __init__(self, path: str, why: str, *, hint: str) -> None:
        super().__init__(f"cannot write {path}: {why}", hint=hint)


class NotWrittenError(ToolError):
    """Writing a result failed, after the work that made it. The file is as it was before."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path} was not written: {why}", hint="name a place on another disk, or make room")


class ForeignFilesError(OptbuildError):
    """A folder has files that a render would replace and that none wrote. Nothing was written."""

    def __init__(self, folder: str, names: Sequence[str]) -> None:
        super().__init__(
            f"{folder} has files that no `optbuild render` wrote, or that were changed since: "
            f"{format_short_list(names, 5)}. Nothing was written",
            hint="name another folder; --force replaces them",
        )
        self.names = tuple(names)


class TimeLimitError(OptbuildError):
    """A variable that should say how many seconds something may take says something else."""

    def __init__(self, variable: str, text: str, default: float) -> None:
        super().__init__(
            f"{variable} is {text!r}, which is not a number of seconds above 0",
            hint=f"set it to a number, or unset it: then it is {default:g}",
        )
