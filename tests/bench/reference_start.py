"""The unit of time for short commands: how long Python takes to start and import what optbuild stands on.

A limit in seconds would say something about the machine. This is a process of the same interpreter, measured in the
same rounds: ``import docker, jinja2, typer`` and nothing else, with its bytecode at hand.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LIBRARIES = ("docker", "jinja2", "typer")


def make_environment(bytecode: Path, cache: Path) -> dict[str, str]:
    """Python keeps its bytecode in a folder of the run: an installed program has it, whatever this shell says."""
    env = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return env | {"PYTHONPYCACHEPREFIX": str(bytecode), "XDG_CACHE_HOME": str(cache)}


def measure_start(bytecode: Path) -> float:
    """Seconds of one process; the first one also writes the bytecode."""
    argv = (sys.executable, "-c", f"import {', '.join(LIBRARIES)}")
    return measure_process(argv, bytecode.parent, make_environment(bytecode, bytecode.parent))


def measure_process(argv: tuple[str, ...], folder: Path, env: dict[str, str]) -> float:
    """Seconds of one process in ``folder``. Raises CalledProcessError."""
    started = time.perf_counter()
    subprocess.run(argv, cwd=folder, env=env, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started
