"""What a rule is: a stable code, and what its findings teach."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """In rising order, so that ``--fail-level warning`` means this one and what is above."""

    INFO = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class Rule:
    """One code of the catalog. ``name`` is kebab-case; ``title`` one line; ``why`` the reason, in a sentence or two."""

    code: str
    name: str
    severity: Severity
    title: str
    why: str
    is_remark: bool = False
    """It explains what is right as it is: nobody can mend it, so it fails no check."""
