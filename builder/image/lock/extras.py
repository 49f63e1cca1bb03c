"""Extras that were asked for must be there: uv only warns of one that is not, and installs without it."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from builder.core.errors import UnknownExtraError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from builder.core.errors import Where
    from builder.image.lock.facts import DistributionFacts


def check_extras(roots: Iterable[str], facts: Mapping[str, DistributionFacts], places: Mapping[str, Where]) -> None:
    """Raises :class:`UnknownExtraError` for the first extra of the spec's own lines that its distribution lacks.

    ``places`` says where a line was written, or one extra of Airflow (``apache-airflow[postgres]``).
    """
    for line in roots:
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        for extra in sorted(requirement.extras):
            known = facts[name].extras if name in facts else (canonicalize_name(extra),)
            if canonicalize_name(extra) not in known:
                near = tuple(difflib.get_close_matches(extra, known, n=3))
                where = places.get(line) or places.get(f"{name}[{canonicalize_name(extra)}]")
                raise UnknownExtraError(extra, f"{name}", known, near, where=where)
