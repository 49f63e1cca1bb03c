"""What the installed ``optbuild`` starts. Until its modules are loaded a Ctrl-C ends it plainly: Python's own handler
raises inside of imports, which prints their lines, or is dropped there and ends nothing."""

from __future__ import annotations

import signal
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line of this process."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from builder.cli.main import main as run_command_line  # all the rest

    run_command_line()
