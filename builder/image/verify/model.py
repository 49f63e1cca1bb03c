"""What a verification found, as a value. The text, JSON and JUnit reports are made from it and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

REPORT_SCHEMA_VERSION = 1


class CheckStatus(StrEnum):
    PASSED = "passed"
    NOTED = "noted"
    """It holds as far as it is this image's: what its base does otherwise is said with its consequence."""
    FAILED = "failed"
    NOT_RUN = "not run"
    """An earlier failure took away what this check needs, or the plan has nothing for it to look at."""


STATUS_WORDS = {
    CheckStatus.PASSED: "ok",
    CheckStatus.NOTED: "note",
    CheckStatus.FAILED: "FAILED",
    CheckStatus.NOT_RUN: "not run",
}


@dataclass(frozen=True)
class CheckResult:
    """One check. ``log`` is the end of what the container said when it failed; ``hint`` the next step."""

    name: str
    status: CheckStatus
    seconds: float
    message: str = ""
    hint: str = ""
    log: str = ""
    excused: bool = False
    """Not run because the plan has nothing that it could look at: no reason to refuse the image."""
    warnings: tuple[str, ...] = ()
    """What works and should be changed all the same."""
    notes: tuple[str, ...] = ()
    """What is the base's, and not this image's to change."""

    @property
    def is_good(self) -> bool:
        """Nothing speaks against the image."""
        return self.status in {CheckStatus.PASSED, CheckStatus.NOTED}


@dataclass(frozen=True)
class VerifyReport:
    """All checks of one image. ``seconds`` is wall-clock time of the whole run."""

    image: str
    image_id: str
    database: str
    """What the roles ran against: the image's name, ``sqlite`` or ``external``; never a URL."""
    checks: tuple[CheckResult, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        good = [check.is_good for check in self.checks if not check.excused]
        return bool(good) and all(good)
