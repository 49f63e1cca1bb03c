"""Rendering and verification."""

from __future__ import annotations

from builder.errors.base import ExitCode, OptbuildError, ToolError


class VerifyUsageError(OptbuildError):
    """What should be verified, or against which database, cannot be told from what was given."""


class BadImageArchiveError(ToolError):
    """What ``docker save`` sent is not an image that can be read to its end, so nothing is known about its layers."""


class RenderMismatchError(OptbuildError):
    """The rendered Dockerfile, parsed again, does not say what was planned: nothing is written."""

    exit_code = ExitCode.BUG

    def __init__(self, what: str, planned: str, found: str) -> None:
        super().__init__(
            f"the rendered Dockerfile does not say what was planned ({what})\n"
            f"    planned: {planned}\n    found: {found}",
            hint="nothing was written; please report this with your optbuild.toml, it is a bug of optbuild",
        )
