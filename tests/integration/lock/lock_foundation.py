"""A foundation of a few distributions, made up: what the index is asked about them is real."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foundation_factory import make_foundation

from builder.image.lock.facts import DistributionFacts
from builder.image.lock.foundation import ENVIRONMENT, InstalledDistribution, ReadFoundation

if TYPE_CHECKING:
    from collections.abc import Mapping

SITE = f"{ENVIRONMENT}/lib/python3.11/site-packages"


def make_read_foundation(has: Mapping[str, tuple[str, tuple[str, ...]]]) -> ReadFoundation:
    """``has``: name → version, and the requirements of its metadata."""
    foundation = make_foundation(
        environment=(),
        packages=(),
        distributions=tuple(
            InstalledDistribution(name, version, SITE, 1_000_000) for name, (version, _) in sorted(has.items())
        ),
    )
    facts = tuple(DistributionFacts(name, needs, ()) for name, (_, needs) in has.items())
    return ReadFoundation(foundation, "", facts)
