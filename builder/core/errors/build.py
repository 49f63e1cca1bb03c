"""The engine, a build and a promotion."""

from __future__ import annotations

import errno

from builder.core.errors.base import CheckFailedError, NotWrittenError, OptbuildError, ToolError
from builder.core.phrases import format_short_list

GET_AN_ENGINE = (
    "`make engine` installs one on Debian 12 or 13; elsewhere: https://docs.docker.com/engine/install/. "
    "`optbuild doctor` shows what this machine has"
)

HOW_TO_FREE_DISK = (
    "free some disk: `docker system df` shows what takes the space. Safe to remove, because it is made "
    "again when needed: build cache (`docker builder prune`), images without a name (`docker image prune`); "
    "an image with a name: `docker image rm NAME`, after a look at `optbuild images`"
)

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_FULL_WORDS = ("no space left on device", "disk quota exceeded")
"""What programs say of the same (strerror)."""


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
    """Not enough free disk: found before the work began, or when it failed."""


def is_disk_full(error: OptbuildError) -> bool:
    """Whether an outside tool failed because a disk is full, which its error says neither in numbers nor with the
    place."""
    words = error.message.lower()
    is_tool = isinstance(error, ToolError) and not isinstance(error, (DiskFullError, NotWrittenError))
    return is_tool and any(one in words for one in _FULL_WORDS)


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

    def __init__(self, packages: tuple[str, ...]) -> None:
        names = format_short_list(packages, 5)
        super().__init__(
            f"the Debian release no longer has what the lock names: {names or 'some packages'}",
            hint="`optbuild build --refresh-base` locks the versions that the release has now",
        )
        self.packages = packages


class PromotionError(ToolError):
    """The promoted tags could not all be moved; those that had been moved were put back."""


class CandidateRefusedError(CheckFailedError):
    """A check failed: the old tags stay, the candidate stays where the message says."""


class NotReproducibleError(CheckFailedError):
    """Two builds of one context gave two images. ``text`` says in what they differ first."""

    def __init__(self, first: str, second: str, text: str, *, hint: str) -> None:
        super().__init__(
            f"two builds with separate caches gave two images, {first} and {second}: {text}. Nothing was promoted or "
            "pushed: all tags stay as they were",
            hint=hint,
        )


class LostModulesError(CheckFailedError):
    """Modules that could be imported with all files, and cannot without. ``lost``: module and problem of each."""

    def __init__(self, lost: tuple[str, ...]) -> None:
        lines = "".join(f"\n  {line}" for line in lost)
        super().__init__(
            f"leaving files out broke {len(lost)} modules. Nothing was promoted or pushed: all tags stay as they were"
            + lines,
            hint="find the rule that took what they need with `optbuild inspect` and set it to true under [slim]; and "
            "report it, so that the list of exceptions gets an entry",
        )


class BudgetExceededError(CheckFailedError):
    """The image is larger than the spec allows. ``text`` gives the figures."""

    def __init__(self, text: str, reference: str, image_id: str) -> None:
        super().__init__(
            f"{text}. Nothing was promoted: all tags stay as they were. The candidate is {reference} ({image_id})",
            hint=f"`docker history {reference}` shows what takes the space; take out what is not needed, or raise "
            "budget.image-bytes. The next build removes this candidate",
        )


class StateError(ToolError):
    """The folder of the state or of the caches is not known or cannot be written, or what is in it cannot be read."""


class BrokenDocumentError(StateError):
    """A document that optbuild keeps for itself is not what any version wrote."""

    def __init__(self, name: str, why: str, lost: str, *, hint: str | None) -> None:
        super().__init__(f"{name} is broken ({why})" + (f": {lost}" if lost else ""), hint=hint)
        self.why = why


class NewerDocumentError(StateError):
    """A document that optbuild keeps for itself has a format that this version does not know."""

    def __init__(self, name: str, version: int, lost: str) -> None:
        super().__init__(
            f"{name} was written by a newer optbuild (format {version})" + (f": {lost}" if lost else ""),
            hint="use that version",
        )
