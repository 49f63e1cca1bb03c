"""Every way in which a command can fail: what happened, where, what to do next, and the exit code.

Errors are raised deep and printed once, by ``builder.cli.main``. A class owns its exit code and its text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar


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


# -- spec -------------------------------------------------------------------------------------------------------------


class SpecError(OptbuildError):
    """optbuild.toml cannot be read, or says something that cannot be built."""


class InvalidSpecError(SpecError):
    """Everything that is wrong with one optbuild.toml, in the order of its lines."""

    def __init__(self, file: str, problems: tuple[SpecError, ...]) -> None:
        text = "\n".join(f"  {problem}".replace("\n  next:", "\n    next:") for problem in problems)
        super().__init__(f"{file} has {len(problems)} errors:\n{text}")
        self.problems = problems


class UnknownAirflowError(SpecError):
    """An Airflow version that is not known here. ``supported`` says in words which are."""

    def __init__(self, version: str, supported: str, *, where: Where | None = None) -> None:
        hint = "take a final release in that range, written in full like 2.8.1"
        super().__init__(f"Airflow {version!a} is not known; known are {supported}", where=where, hint=hint)


class MissingFileError(OptbuildError):
    """A file that the command needs is not there."""


# -- processes and files ----------------------------------------------------------------------------------------------


class ToolMissingError(ToolError):
    """An executable is not on PATH."""

    def __init__(self, tool: str, *, hint: str) -> None:
        super().__init__(f"{tool} is not installed, or not on PATH", hint=hint)


class ToolFailedError(ToolError):
    """An outside tool ended with an error. ``output`` is the end of what it said."""

    def __init__(self, tool: str, code: int, output: str, *, hint: str | None = None) -> None:
        lines = "\n".join(f"    {line}" for line in output.strip().splitlines()[-20:])
        super().__init__(f"{tool} failed with exit code {code}" + (f":\n{lines}" if lines else ""), hint=hint)
        self.code = code
        self.output = output


class ToolTimeoutError(ToolError):
    """An outside tool did not end in time (``seconds``) and was ended."""

    def __init__(self, tool: str, seconds: float, *, hint: str | None = None) -> None:
        super().__init__(f"{tool} did not answer within {seconds:g} s", hint=hint)
        self.seconds = seconds


# -- engine and build -------------------------------------------------------------------------------------------------

GET_AN_ENGINE = (
    "`make engine` installs one on Debian 12 or 13; elsewhere: https://docs.docker.com/engine/install/. "
    "`optbuild doctor` shows what this machine has"
)


class EngineMissingError(ToolError):
    """No Docker engine answers. ``where`` it was looked for is part of the message."""

    def __init__(self, endpoint: str, reason: str) -> None:
        super().__init__(f"no Docker engine answers at {endpoint}: {reason}", hint=GET_AN_ENGINE)


class EngineTooOldError(ToolError):
    """The engine answers, but its BuildKit lacks what the Dockerfile uses."""

    def __init__(self, found: str, needed: str) -> None:
        super().__init__(f"the Docker engine is version {found}; optbuild needs {needed} or newer", hint=GET_AN_ENGINE)


class BuildxMissingError(ToolError):
    """The docker client has no (working) buildx plugin."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the docker client has no buildx plugin: {reason}",
            hint="`make engine` installs one on Debian 12 or 13; elsewhere: https://docs.docker.com/go/buildx/",
        )


class EngineFailedError(ToolError):
    """The engine refused or failed an operation."""


class BuildRefusedError(OptbuildError):
    """An option of the build that the chosen builder, name or lock cannot do; refused before anything is built."""


class DiskFullError(ToolError):
    """Not enough free disk for the build; checked before it starts."""


class BuildFailedError(ToolError):
    """BuildKit could not build the context. ``step`` is the instruction that failed, ``log`` the end of its output.

    ``cause`` is what happened in words, where it is known: a person reads it before step and log.
    """

    def __init__(
        self, step: str | None, reason: str, log: tuple[str, ...], *, cause: str | None = None, hint: str | None = None
    ) -> None:
        place = f"step {step}" if step else "the build"
        tail = "".join(f"\n    {line}" for line in log)
        failed = f"{place} failed: {reason}" + (f"\n  the end of its log:{tail}" if tail else "")
        super().__init__(f"{cause}\n  {failed}" if cause else failed, hint=hint)
        self.step = step
        self.log = log


class VanishedPackagesError(ToolError):
    """The mirror no longer has the Debian versions of the lock. ``packages`` are ``name=version``."""

    def __init__(self, packages: tuple[str, ...], *, hint: str | None = None) -> None:
        names = ", ".join(packages[:5]) + (f" and {len(packages) - 5} more" if len(packages) > 5 else "")
        super().__init__(
            f"the Debian release no longer has what the lock names: {names or 'some packages'}",
            hint=hint or "`optbuild build --refresh-base` locks the versions that the release has now",
        )
        self.packages = packages


class PromotionError(ToolError):
    """The promoted tags could not all be moved; those that had been moved were put back."""


class CandidateRefusedError(CheckFailedError):
    """A check failed: the old tags stand, the candidate stays where the message says."""


class BudgetExceededError(CheckFailedError):
    """The image is larger than the spec allows. ``text`` gives the figures."""

    def __init__(self, text: str, reference: str, image_id: str) -> None:
        super().__init__(
            f"{text}. Nothing was promoted: all tags stand as they were. The candidate is {reference} ({image_id})",
            hint=f"`docker history {reference}` shows what takes the space; take out what is not needed, or raise "
            "budget.image-bytes",
        )


class StateError(ToolError):
    """The state folder cannot be written."""


# -- lock -------------------------------------------------------------------------------------------------------------


class LockFileError(OptbuildError):
    """optbuild.lock cannot be read, is no lock, or is one of another format."""


class LockError(OptbuildError):
    """The spec cannot be resolved to a lock."""


class UnsatisfiableError(LockError):
    """No set of versions meets all requirements. ``involved`` are the spec's own lines that the reason speaks of."""

    def __init__(self, reason: str, involved: tuple[str, ...], places: tuple[str, ...] = ()) -> None:
        lines = "".join(f"\n    {line}" for line in reason.splitlines())
        asked = "".join(f"\n    {line}" for line in places or involved)
        text = f"the requirements contradict each other:{lines}"
        text = f"{text}\n  involved from the spec:{asked}" if asked else text
        super().__init__(text, hint="loosen or remove one of them, then: optbuild lock")
        self.reason = reason
        self.involved = involved


class UnknownExtraError(LockError):
    """An extra that the distribution does not have. ``known`` are those that it has, ``near`` the likeliest of them."""

    def __init__(
        self,
        extra: str,
        distribution: str,
        known: tuple[str, ...],
        near: tuple[str, ...],
        *,
        where: Where | None = None,
    ) -> None:
        some = ", ".join(known[:12]) + (" and more" if len(known) > 12 else "")
        hint = (
            f"did you mean {' or '.join(near)}?" if near else f"it has: {some}" if known else "it has none: remove it"
        )
        super().__init__(f"{distribution} has no extra {extra!r}", where=where, hint=hint)


class IndexUnreadableError(ToolError):
    """uv cannot read the package index: no route to it, no trust in its certificate, or no permission."""

    def __init__(self, reason: str) -> None:
        lines = "".join(f"\n    {line.strip()}" for line in reason.strip().splitlines()[-20:])
        super().__init__(
            f"the package index cannot be read:{lines}",
            hint="check the network; where this machine has an index of its own, set UV_DEFAULT_INDEX; "
            "behind a proxy HTTPS_PROXY, and SSL_CERT_FILE for its CA; credentials belong into ~/.netrc",
        )


class UnknownPackageError(LockError):
    """A name of [apt] that the Debian release does not have. ``near`` are names that look like it."""

    def __init__(self, name: str, release: str, near: tuple[str, ...], *, where: Where | None = None) -> None:
        hint = f"did you mean {' or '.join(near)}?" if near else f"find its name in {release}: apt-cache search {name}"
        super().__init__(f"Debian {release} has no package {name}", where=where, hint=hint)


class NoPackageListsError(ToolError):
    """Neither this machine's apt nor a container can read the package lists of the Debian release."""

    def __init__(self, release: str, host: str, container: str) -> None:
        hint = (
            f"run this on Debian, with a source of {release} in /etc/apt/sources.list.d, "
            f"or where a Docker engine can pull debian:{release}-slim"
        )
        super().__init__(
            f"the package lists of Debian {release} cannot be read: this machine {host}; {container}", hint=hint
        )


class SourcesFileError(OptbuildError):
    """The apt sources file that OPTBUILD_DEBIAN_SOURCES names cannot be used."""


class ConstraintsError(OptbuildError):
    """The constraints file is missing, unreachable, or is not one."""


class ConstraintsUnreachableError(ConstraintsError, ToolError):
    """The host of the constraints does not answer; nothing is known to be wrong with the spec."""


class LockUsageError(OptbuildError):
    """Options of ``optbuild lock`` that do not go together."""


class StaleLockError(CheckFailedError):
    """The lock ``path`` was made from another spec, or contradicts itself. ``reasons``: a sentence each.

    ``remake`` is the command that makes it anew.
    """

    def __init__(self, path: str, reasons: tuple[str, ...], remake: str) -> None:
        text = "".join(f"\n    {reason}" for reason in reasons)
        super().__init__(f"does not belong to the optbuild.toml beside it:{text}", where=Where(path), hint=remake)
        self.reasons = reasons


# -- verify -----------------------------------------------------------------------------------------------------------


class VerifyUsageError(OptbuildError):
    """What should be verified, or against which database, cannot be told from what was given."""


class BadImageArchiveError(ToolError):
    """What ``docker save`` sent is not an image that can be read to its end, so nothing is known about its layers."""


# -- render -----------------------------------------------------------------------------------------------------------


class RenderMismatchError(OptbuildError):
    """The rendered Dockerfile, parsed again, does not say what was planned: nothing is written."""

    exit_code = ExitCode.BUG

    def __init__(self, what: str, planned: str, found: str) -> None:
        super().__init__(
            f"the rendered Dockerfile does not say what was planned ({what})\n"
            f"    planned: {planned}\n    found: {found}",
            hint="nothing was written; please report this with your optbuild.toml, it is a bug of optbuild",
        )
