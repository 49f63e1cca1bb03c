"""Images on disk: what is asked of them, and what would lose some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.core.errors.base import CheckFailedError, OptbuildError, ToolError
from builder.core.errors.judging import NoSuchImageError

if TYPE_CHECKING:
    from collections.abc import Sequence


class StoreUsageError(OptbuildError):
    """An option of `images` or `clean` that says nothing."""


class UnknownProtectionError(OptbuildError):
    """What an optbuild.toml protects cannot be read, so nothing may be deleted."""


class BackupFolderError(OptbuildError):
    """A folder that no backup can be written to, or that holds none of what was asked for."""


class BackupDiskError(ToolError):
    """A disk that fails, or that takes no file as large as an archive of a backup."""

    def __init__(self, image: str, folder: str, why: str) -> None:
        super().__init__(
            f"{image} cannot be written to {folder}: {why}",
            hint="name a folder on another disk; FAT32, usual on USB sticks, takes no file of 4 GiB or more",
        )


class DamagedBackupError(CheckFailedError):
    """An archive or the manifest of a backup is not what was written; nothing of it reaches an engine."""


class NoSuchImagesError(NoSuchImageError):
    """Images that were named are not there: all of them are said at once."""

    def __init__(self, references: Sequence[str], names: Sequence[str], archive: str | None = None) -> None:
        super().__init__(references[0], names, archive)
        if len(references) > 1:
            self.message = f"{archive or 'the engine'} has no images {', '.join(references)}"


class NamesTakenError(OptbuildError):
    """Names of an image to restore belong to other images now. ``taken``: name, ID now, ID in the backup."""

    def __init__(self, taken: Sequence[tuple[str, str, str]]) -> None:
        lines = "".join(f"\n    {name} is {now}, not {saved}" for name, now, saved in taken)
        super().__init__(
            f"other images have these names now, so nothing was loaded:{lines}",
            hint="`--replace-tags` moves the names; an image that loses its last one so stays without a name, until "
            "`optbuild clean --yes`: give it another first (`docker tag`) where somebody needs it",
        )
        self.taken = tuple(taken)
