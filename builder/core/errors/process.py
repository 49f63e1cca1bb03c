"""Outside tools."""

from __future__ import annotations

from builder.core.errors.base import ToolError


class ToolMissingError(ToolError):
    """An executable is not on PATH."""

    def __init__(self, tool: str, *, hint: str) -> None:
        super().__init__(f"{tool} is not installed, or not on PATH", hint=hint)


class ToolFailedError(ToolError):
    """An outside tool ended with an error. ``output`` is the end of what it said."""

    def __init__(self, tool: str, code: int, output: str, *, hint: str | None = None) -> None:
        lines = "\n".join(f"    {line}" for line in output.strip().splitlines()[-20:])
        super().__init__(f"{tool} failed with exit code {code}" + (f":\n{lines}" if lines else ""), hint=hint)
        self.code = code
        self.output = output


class ToolTimeoutError(ToolError):
    """An outside tool did not end in time (``seconds``) and was ended. ``purpose``: what was waited for."""

    def __init__(self, tool: str, seconds: float, *, purpose: str = "", hint: str | None = None) -> None:
        waited = f"; optbuild waited {purpose}" if purpose else ""
        super().__init__(f"{tool} did not answer within {seconds:g} s{waited}", hint=hint)
        self.seconds = seconds
