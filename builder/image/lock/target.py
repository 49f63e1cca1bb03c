"""What a lock is made for: one Python, one Debian release, one architecture; and what follows from that."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from packaging.tags import Tag, compatible_tags, cpython_tags

from builder.core.debian import RELEASE_GLIBC
from builder.core.errors import LockError
from builder.core.markers import make_marker_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.image.lock.foundation import Foundation
    from builder.image.lock.model import Lock, LockInputs

DEFAULT_PLATFORM = "linux/amd64"
MACHINES = {"linux/amd64": ("x86_64", "amd64"), "linux/arm64": ("aarch64", "arm64")}
"""Docker's platform → (the machine of wheel tags and of ``platform_machine``, Debian's architecture)."""
_NAMES = {"x86_64": "linux/amd64", "amd64": "linux/amd64", "aarch64": "linux/arm64", "arm64": "linux/arm64"}
"""What ``uname -m`` says on Linux, BSD and macOS → Docker's platform."""
_UV_NEWEST_GLIBC = 40
"""uv 0.13 knows manylinux up to 2_40; a newer glibc runs those wheels too (PEP 600)."""
_OLDEST_GLIBC = {"x86_64": 5, "aarch64": 17}
_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


def find_platform(machine: str) -> str:
    """The platform of a machine by its ``uname -m``; one that no lock can be made for gets the usual one."""
    return _NAMES.get(machine.lower(), DEFAULT_PLATFORM)


@dataclass(frozen=True)
class LockTarget:
    """``python`` as ``3.11``, ``release`` as ``bookworm``, ``platform`` as ``linux/amd64``."""

    python: str
    release: str
    platform: str = DEFAULT_PLATFORM
    glibc: str = ""
    """``2.36``; empty: the one of the release."""

    def __post_init__(self) -> None:
        if self.platform not in MACHINES:
            raise LockError(f"no lock can be made for {self.platform!r}", hint=f"one of {', '.join(MACHINES)}")

    @property
    def machine(self) -> str:
        return MACHINES[self.platform][0]

    @property
    def architecture(self) -> str:
        return MACHINES[self.platform][1]

    @property
    def uv_platform(self) -> str:
        """The value of ``uv --python-platform``."""
        return f"{self.machine}-manylinux_2_{min(self._glibc_minor, _UV_NEWEST_GLIBC)}"

    @cached_property
    def tags(self) -> dict[Tag, int]:
        """The wheel tags that this target accepts, each with its rank; 0 is the best."""
        major, minor = (int(part) for part in self.python.split("."))
        platforms = list(self._iterate_platforms())
        found = [
            *cpython_tags((major, minor), platforms=platforms),
            *compatible_tags((major, minor), interpreter=f"cp{major}{minor}", platforms=platforms),
        ]
        return {tag: rank for rank, tag in reversed(list(enumerate(found)))}

    @cached_property
    def markers(self) -> dict[str, str]:
        return make_marker_environment(self.python, self.machine)

    @property
    def _glibc_minor(self) -> int:
        return int((self.glibc or RELEASE_GLIBC[self.release]).split(".")[1])

    def _iterate_platforms(self) -> Iterator[str]:
        for minor in range(self._glibc_minor, _OLDEST_GLIBC[self.machine] - 1, -1):
            yield f"manylinux_2_{minor}_{self.machine}"
            if minor in _LEGACY:
                yield f"{_LEGACY[minor]}_{self.machine}"
        yield f"linux_{self.machine}"


def make_lock_target(inputs: LockInputs, platform: str, foundation: Foundation | None) -> LockTarget:
    """What a lock with these inputs is made for; a foundation says its own release and glibc."""
    if foundation is None:
        return LockTarget(inputs.python, inputs.debian, platform)
    return LockTarget(inputs.python, foundation.debian, platform, foundation.glibc)


def find_lock_target(lock: Lock) -> LockTarget:
    """What ``lock`` was made for."""
    return make_lock_target(lock.inputs, lock.platform, lock.foundation)
