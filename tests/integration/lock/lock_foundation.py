"""A foundation of a few distributions, made up: what the index is asked about them is real."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.image.lock.facts import DistributionFacts
from builder.image.lock.foundation import ENVIRONMENT, Foundation, InstalledDistribution, ReadFoundation

if TYPE_CHECKING:
    from collections.abc import Mapping

SITE = f"{ENVIRONMENT}/lib/python3.11/site-packages"
SHA = "ab" * 32


def make_read_foundation(has: Mapping[str, tuple[str, tuple[str, ...]]]) -> ReadFoundation:
    """``has``: name → version, and the requirements of its metadata."""
    foundation = Foundation(
        kind="airflow",
        reference="apache/airflow:2.8.1-python3.11",
        digest=f"sha256:{SHA}",
        platform="linux/amd64",
        layers=(f"sha256:{SHA}",),
        debian="bookworm",
        glibc="2.36",
        python="3.11.7",
        python_path="/usr/local/bin/python3.11",
        user="50000",
        entrypoint=(),
        command=(),
        shell=(),
        working_folder="/opt/airflow",
        environment=(),
        packages=(),
        distributions=tuple(
            InstalledDistribution(name, version, SITE, 1_000_000) for name, (version, _) in sorted(has.items())
        ),
    )
    facts = tuple(DistributionFacts(name, needs, ()) for name, (_, needs) in has.items())
    return ReadFoundation(foundation, "", facts)
