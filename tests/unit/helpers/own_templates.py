"""A project's own template, and the error that one gets for it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from builder.core.errors import ExitCode, OwnTemplateError
from builder.image.render.context import render_dockerfile

if TYPE_CHECKING:
    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec

TEMPLATES = Path(__file__).parents[3] / "templates"


def list_blocks(template: str) -> list[str]:
    """Of a shipped template, in its order."""
    return re.findall(r"{%-? block (\w+)", (TEMPLATES / template).read_text())


def with_template(spec: Spec, folder: Path, text: str | bytes, name: str = "debian.Dockerfile.j2") -> Spec:
    (folder / "own").mkdir(exist_ok=True)
    (folder / "own" / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    render = spec.render.model_copy(update={"templates": "own"})
    return spec.model_copy(update={"folder": folder, "render": render})


def refuse(spec: Spec, lock: Lock) -> OwnTemplateError:
    """What ``render`` says to it."""
    with pytest.raises(OwnTemplateError) as caught:
        render_dockerfile(spec, lock)
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.hint
    return caught.value
