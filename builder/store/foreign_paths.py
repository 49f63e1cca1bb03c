"""Paths that Compose wrote down on another system: those of Windows, and of Docker Desktop's own virtual machine.

Docker Desktop starts projects of Windows on an engine that WSL sees too, and there the drives are below ``/mnt``
(Microsoft, "Working across Windows and Linux file systems"); its machine has them below ``/run/desktop/mnt/host``, an
older one below ``/host_mnt``.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath, PureWindowsPath

_DRIVES = Path("/mnt")
_DRIVE = re.compile(r"([A-Za-z]):")
_DESKTOP = re.compile(r"^/(?:run/desktop/mnt/host|host_mnt)/([a-z])(?:/|$)")


def join_label_path(folder: str, word: str) -> str:
    """``word`` of a label, below ``folder`` unless it is absolute, each as the system that wrote them would join it."""
    if PureWindowsPath(word).is_absolute() or word.startswith("/"):
        return word
    return str(PureWindowsPath(folder) / word if _is_of_windows(folder) else PurePosixPath(folder) / word)


def find_local_path(text: str, drives: Path = _DRIVES) -> Path:
    """Where the file is on this system; ``text`` itself, where its drive is not mounted here."""
    desktop = _DESKTOP.match(text)
    if desktop is not None:
        letter, rest = desktop[1], text[desktop.end() :]
    elif _is_of_windows(text) and (drive := _DRIVE.fullmatch(PureWindowsPath(text).drive)) is not None:
        letter, rest = drive[1].lower(), "/".join(PureWindowsPath(text).parts[1:])
    else:
        return Path(text)
    root = drives / letter
    return root / rest if root.is_dir() else Path(text)


def explain_foreign_path(path: Path) -> str:
    """Why a path that is not there cannot be read from here, to follow it; empty: it is one of this system."""
    if _is_of_windows(str(path)):
        return "cannot be read from here: it is a path of Windows"
    if _DESKTOP.match(str(path)):
        return "cannot be read from here: it is a path of Docker Desktop's own machine"
    return ""


def _is_of_windows(text: str) -> bool:
    """``C:\\x``, ``c:/x``, and a share: ``\\\\wsl$\\Debian\\x``."""
    return PureWindowsPath(text).is_absolute() and not text.startswith("/")
