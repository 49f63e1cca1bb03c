"""The baselines' root file systems: our own base's Debian packages, made by one plain mmdebstrap.

Same packages, same folders left out (documentation, locales, man pages), no recommended packages; Debian's own bytecode
of the standard library stays in it, where ours is made in the build.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from results import hash_files

if TYPE_CHECKING:
    from builder.image.lock.model import Lock

BASE, BUILDER = "base.tar", "builder.tar"
BUILDER_PACKAGES = ("apt", "python3-venv", "binutils")
"""For pip in a virtual environment, and for strip; (a)'s build-essential would bring binutils too."""
LEFT_OUT = ("doc", "info", "lintian", "locale", "man")


def make_mmdebstrap_argv(packages: tuple[str, ...], release: str, target: Path) -> tuple[str, ...]:
    """One root file system of ``packages`` (Debian names), from the machine's own Debian source."""
    return (
        "mmdebstrap",
        "--quiet",
        "--variant=essential",
        f"--include={','.join(packages)}",
        "--aptopt=APT::Install-Recommends false",
        *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in LEFT_OUT),
        "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
        release,
        str(target),
    )


def list_base_packages(lock: Lock) -> tuple[str, ...]:
    return tuple(package.name for package in lock.runtime)


def hash_base(lock: Lock) -> str:
    """Of all that both root file systems are made from but the mirror: names one that is kept."""
    return hash_files([Path(__file__)], lock.inputs.debian, *list_base_packages(lock))


def make_baseline_base(lock: Lock, folder: Path, *, builder: bool) -> Path:
    """base.tar, or builder.tar with apt, python3-venv and binutils beside it. Raises RuntimeError."""
    target = folder / (BUILDER if builder else BASE)
    packages = (*list_base_packages(lock), *(BUILDER_PACKAGES if builder else ()))
    part = folder / f".{os.getpid()}-{target.name}"  # the ending says which format; a killed run leaves no half base
    argv = make_mmdebstrap_argv(packages, lock.inputs.debian, part)
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    if done.returncode:
        raise RuntimeError(f"mmdebstrap failed with {done.returncode}:\n{done.stderr[-2000:]}")
    return part.replace(target)
