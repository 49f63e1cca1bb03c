"""The Debian packages of a foundation beside those that are added, and which of them another version replaces.

That happens only where something cannot be installed without it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.image.lock.foundation import Foundation, ReadFoundation
    from builder.image.lock.model import DebianPackage

_FIELD = re.compile(r"^(Package|Installed-Size):[ \t]*(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class PackageUpgrade:
    name: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.name} {self.old} -> {self.new}"


def list_package_names(runtime: Iterable[DebianPackage], foundation: Foundation | None) -> frozenset[str]:
    """Those of the final image: what is added, and what it stands on."""
    below = () if foundation is None else foundation.packages
    return frozenset({*(one.name for one in runtime), *(one.name for one in below)})


def list_given_packages(foundation: Foundation | None) -> frozenset[str]:
    """What a source finds below it when it is built, as names of Debian packages. A Python that is not Debian's brings
    its own headers, and those of ``python3-dev`` are none of it."""
    own = foundation is not None and not foundation.has_debian_python
    return list_package_names((), foundation) | (frozenset({"python3-dev"}) if own else frozenset())


def list_package_upgrades(
    runtime: Iterable[DebianPackage], foundation: Foundation | None
) -> tuple[PackageUpgrade, ...]:
    """Those among what the final image gets beside the foundation, sorted by name."""
    below = {} if foundation is None else {one.name: one.version for one in foundation.packages}
    return tuple(PackageUpgrade(one.name, below[one.name], one.version) for one in runtime if one.name in below)


def describe_package_upgrades(runtime: Iterable[DebianPackage], read: ReadFoundation | None) -> str:
    """A sentence with the bytes that stay hidden in the layers below; empty where no package is replaced."""
    if read is None or not (upgrades := list_package_upgrades(runtime, read.foundation)):
        return ""
    sizes = read_installed_sizes(read.status)
    hidden = sum(sizes.get(one.name, 0) for one in upgrades)
    lines = "".join(f"\n    {one}" for one in upgrades)
    return (
        f"{len(upgrades)} Debian packages of {read.foundation.reference} are replaced, because what is added does not "
        f"go with theirs; about {hidden / 1_000_000:.1f} MB stay hidden below:{lines}"
    )


def read_installed_sizes(status: str) -> dict[str, int]:
    """Package → bytes, as dpkg's status file estimates them (deb-control(5): in units of 1024)."""
    sizes = {}
    for stanza in status.split("\n\n"):
        fields = dict(_FIELD.findall(stanza))
        if "Package" in fields and fields.get("Installed-Size", "").isdecimal():
            sizes[fields["Package"]] = int(fields["Installed-Size"]) * 1024
    return sizes
