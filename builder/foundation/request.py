"""What a spec and an earlier lock want of a base image, and how one that cannot be it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.core.errors import BaseRefusedError

if TYPE_CHECKING:
    from builder.core.errors import Where
    from builder.image.lock.foundation import FoundationKind


@dataclass(frozen=True)
class FoundationRequest:
    """``where``: the line of ``[base]``. ``airflow``: the spec's version, which a base that has Airflow must have."""

    kind: FoundationKind
    reference: str
    platform: str
    python: str
    """``3.11``"""
    airflow: str = ""
    where: Where | None = None
    pinned: str = ""
    """The digest of the lock before; empty: there is none, or the registry is to be asked again."""
    refresh: bool = False
    """The registry says which digest the tag has now, whatever is on the engine."""
    known: str = ""
    """The digest of the lock before, also where the registry is asked again."""

    def refuse(self, found: str, hint: str) -> BaseRefusedError:
        """``found``: the end of a sentence about the image."""
        return BaseRefusedError(f"{self.reference} {found}", where=self.where, hint=hint)
