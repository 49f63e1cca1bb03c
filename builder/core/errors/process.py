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
    """An outside tool did not end in time (``seconds``) and was ended."""

    def __init__(self, tool: str, seconds: float) -> None:
        super().__init__(f"{tool} did not answer within {seconds:g} s")
        self.seconds = seconds
