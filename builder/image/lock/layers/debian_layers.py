"""The two layers of Debian packages that an image of ours has at most: the standard ones, and what a project adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.image.lock.layers.standard_packages import STANDARD_PACKAGES

if TYPE_CHECKING:
    from builder.image.lock.model import DebianPackage, Lock


def list_added_packages(lock: Lock) -> tuple[DebianPackage, ...]:
    """Those of the upper layer, which not every image has: of its Airflow version, of ``[apt] runtime``, of its wheels'
    libraries. Empty: there is one layer, as on a foundation.
    """
    if lock.foundation is not None:
        return ()
    standard = STANDARD_PACKAGES[lock.release]
    added = tuple(package for package in lock.runtime if package.name not in standard)
    return added if len(added) < len(lock.runtime) else ()
