"""The question before something is changed, and the options that answer it beforehand."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from builder.core.errors import OptbuildError

if TYPE_CHECKING:
    from builder.core.runtime import Runtime

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def confirm_change(runtime: Runtime, *, yes: bool, hint: str) -> bool:
    """Whether the person says yes, or said so with ``--yes``.

    Raises OptbuildError with ``hint`` where there is no terminal to ask on.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise OptbuildError("there is no terminal to ask on, so nothing was done", hint=hint)
    if typer.confirm("Do it?", default=False, err=True):
        return True
    runtime.err.write("nothing was done\n")
    return False
