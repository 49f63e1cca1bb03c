"""Rendering and verification."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from builder.core.errors.base import ExitCode, OptbuildError, ToolError

if TYPE_CHECKING:
    from collections.abc import Sequence


class VerifyUsageError(OptbuildError):
    """What should be verified, or against which database, does not follow from what was given."""


class BadImageArchiveError(ToolError):
    """What ``docker save`` sent is not an image that can be read to its end, so nothing is known about its layers."""


class NotAnImageArchiveError(OptbuildError):
    """A file that was named holds something else. ``what`` completes "FILE is", ``step`` says what to do with it."""

    def __init__(self, file: str, what: str, step: str) -> None:
        super().__init__(f"{file} is {what}, not an archive with an image", hint=step)


class NoSuchImageError(OptbuildError):
    """An image that was named is not there: on the engine, or in the archive ``archive``."""

    def __init__(self, reference: str | None, names: Sequence[str], archive: str | None = None) -> None:
        place = "the engine" if archive is None else archive
        near = difflib.get_close_matches(reference or "", names, n=3)
        known = ", ".join(near or sorted(names)[:5]) or "none"
        everything = "; `optbuild images` lists all" if archive is None else ""
        super().__init__(
            f"{place} holds several images" if reference is None else f"{place} has no image {reference}",
            hint=f"name one of these: {known}{everything}"
            if names
            else "docker pull, docker build or docker load brings one",
        )


class BadImageNameError(OptbuildError):
    """What was named cannot be the name of an image."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is not the name of an image: lower-case letters, no blanks",
            hint="`optbuild images` lists the names here",
        )


class BaseNotSavedError(OptbuildError):
    """What was given as the base of an archived image is not in its archive."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"--base {name}: the archive does not hold it",
            hint=f"save both: docker save --output FILE IMAGE {name}",
        )


class NotABaseError(OptbuildError):
    """The image was not made from the one that was given as its base."""

    def __init__(self, name: str, layers: int, common: int) -> None:
        super().__init__(
            f"{name} is not the base: only {common} of its {layers} layers are the lowest of this image"
            if common < layers
            else f"{name} is not the base: it has all layers of this image",
            hint="leave the base out, or name the image of the Dockerfile's last FROM",
        )


class DiveFileError(OptbuildError):
    """A ``.dive-ci`` that cannot be read, or has a rule that nobody can follow."""


class OwnTemplateError(OptbuildError):
    """A template of the project's own cannot be rendered, or says what it may not say. Nothing is written."""


class RenderMismatchError(OptbuildError):
    """The rendered Dockerfile, parsed again, does not say what was planned: nothing is written."""

    exit_code = ExitCode.BUG

    def __init__(self, what: str, planned: str, found: str) -> None:
        super().__init__(
            f"the rendered Dockerfile does not say what was planned ({what})\n"
            f"    planned: {planned}\n    found: {found}",
            hint="nothing was written; please report this with your optbuild.toml, it is a bug of optbuild",
        )
