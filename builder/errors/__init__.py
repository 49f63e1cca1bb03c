"""Every way in which a command can fail: what happened, where, what to do next, and the exit code.

Errors are raised deep and printed once, by ``builder.cli.main``. A class owns its exit code and its text. Everybody
imports them from here; the modules below are one per stage.
"""

from __future__ import annotations

from builder.errors.base import (
    CheckFailedError,
    ExitCode,
    InterruptedByUserError,
    OptbuildError,
    ToolError,
    UnwritableError,
    Where,
)
from builder.errors.build import (
    GET_AN_ENGINE,
    BudgetExceededError,
    BuildFailedError,
    BuildRefusedError,
    BuildxMissingError,
    CandidateRefusedError,
    DiskFullError,
    EngineFailedError,
    EngineMissingError,
    EngineTooOldError,
    PromotionError,
    StateError,
    VanishedPackagesError,
)
from builder.errors.compose import (
    ChangedFileError,
    ComposeError,
    ComposeMissingError,
    EditedSinceError,
    NoComposeFileError,
    OldComposeError,
    RolledBackError,
    StackError,
    UnprovenEditError,
)
from builder.errors.judging import (
    BadImageArchiveError,
    DiveFileError,
    NoSuchImageError,
    NotABaseError,
    RenderMismatchError,
    VerifyUsageError,
)
from builder.errors.lock import (
    ConstraintsError,
    ConstraintsUnreachableError,
    IndexUnreadableError,
    LockError,
    LockFileError,
    LockUsageError,
    NoPackageListsError,
    SourcesFileError,
    StaleLockError,
    UnknownExtraError,
    UnknownPackageError,
    UnsatisfiableError,
)
from builder.errors.process import (
    ToolFailedError,
    ToolMissingError,
    ToolTimeoutError,
)
from builder.errors.spec import (
    InvalidSpecError,
    MissingFileError,
    SpecError,
    UnknownAirflowError,
)
from builder.errors.store import (
    StoreUsageError,
    UnknownProtectionError,
)

__all__ = [
    "GET_AN_ENGINE",
    "BadImageArchiveError",
    "BudgetExceededError",
    "BuildFailedError",
    "BuildRefusedError",
    "BuildxMissingError",
    "CandidateRefusedError",
    "ChangedFileError",
    "CheckFailedError",
    "ComposeError",
    "ComposeMissingError",
    "ConstraintsError",
    "ConstraintsUnreachableError",
    "DiskFullError",
    "DiveFileError",
    "EditedSinceError",
    "EngineFailedError",
    "EngineMissingError",
    "EngineTooOldError",
    "ExitCode",
    "IndexUnreadableError",
    "InterruptedByUserError",
    "InvalidSpecError",
    "LockError",
    "LockFileError",
    "LockUsageError",
    "MissingFileError",
    "NoComposeFileError",
    "NoPackageListsError",
    "NoSuchImageError",
    "NotABaseError",
    "OldComposeError",
    "OptbuildError",
    "PromotionError",
    "RenderMismatchError",
    "RolledBackError",
    "SourcesFileError",
    "SpecError",
    "StackError",
    "StaleLockError",
    "StateError",
    "StoreUsageError",
    "ToolError",
    "ToolFailedError",
    "ToolMissingError",
    "ToolTimeoutError",
    "UnknownAirflowError",
    "UnknownExtraError",
    "UnknownPackageError",
    "UnknownProtectionError",
    "UnprovenEditError",
    "UnsatisfiableError",
    "UnwritableError",
    "VanishedPackagesError",
    "VerifyUsageError",
    "Where",
]
