"""A folder of another user."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


def bar(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """From now on, nobody may enter it. Its mode alone would not do: root enters every folder."""
    for name in ("stat", "open"):
        monkeypatch.setattr(Path, name, _barred(getattr(Path, name), folder))
    monkeypatch.setattr(os, "open", _barred(os.open, folder))


def _barred(real: Any, folder: Path) -> Any:
    def refused(path: Any, *args: Any, **kwargs: Any) -> Any:
        if folder in Path(os.path.normpath(os.fsdecode(path))).parents:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **kwargs)

    return refused
