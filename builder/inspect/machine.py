"""Whether the machine that an image runs on has a GPU: what is known of it, and how."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

DEVICES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/proc/driver/nvidia/version", "/dev/kfd")
"""Of NVIDIA's driver, of the one of WSL 2, and of AMD's."""


@dataclass(frozen=True)
class Machine:
    """``gpu`` is None where it is not known: then no package is reported as useless without one."""

    gpu: bool | None
    how: str = ""
    """In words, to follow "has no GPU"."""


UNKNOWN = Machine(None)


def detect_machine(devices: Iterable[str] = DEVICES) -> Machine:
    """The machine that this runs on: the engine's, where the engine is a local one."""
    devices = tuple(devices)
    if found := [one for one in devices if Path(one).exists()]:
        return Machine(True, f"it has {found[0]}")
    return Machine(False, f"it has none of {', '.join(devices)}")
