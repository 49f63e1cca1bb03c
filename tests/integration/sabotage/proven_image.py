"""A promoted image of images/, as the long tests are given it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.image.verify.plan import VerifyPlan


@dataclass(frozen=True)
class ProvenImage:
    """``plan`` is that of its verification, against servers that are made here."""

    reference: str
    plan: VerifyPlan
