"""What `optbuild --help` prints: the commands, each with one line.

Written here and not by typer, because importing typer takes longer than all else that a start needs. A test compares
it with what typer would print, byte for byte.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

COMMANDS: Mapping[str, str] = {
    "doctor": "Say what this machine can do.",
    "lock": "Resolve optbuild.toml to exact versions and hashes: optbuild.lock.",
    "render": "Print the Dockerfile that optbuild.toml and optbuild.lock describe.",
    "build": "Build the image that optbuild.toml and optbuild.lock describe.",
    "verify": "Start every role of an image and check that it does its job.",
    "plan": "Show what a compose project builds several times, and the exact edit.",
    "optimize": "Let the services that build the same image share one: in the file, and in the running stack.",
    "rollback": "Undo the last `optbuild optimize` of this project.",
    "images": "Show every image on this engine: its true bytes, who uses it, and why it stays.",
    "clean": "Remove images that were replaced by newer ones, or that have no name and no user.",
    "backup": "Save images with all their names into a folder, each in a compressed archive of its own.",
    "restore": "Load images that `optbuild backup` saved, with the IDs and names that they had.",
    "inspect": "Show which layer, package and folder takes an image's bytes, and which bytes are waste.",
    "diff": "Show what grew and shrank from image A to image B: layers, packages with their versions, files, waste.",
}
"""In the order in which a person meets them. Each is the function `command` of builder/cli/<name>.py, with the first
sentence of its docstring."""

ABOUT = """\
Make one small, pinned, proven image out of the many that an Airflow project builds.

Start with `optbuild doctor`, which says what this machine can do. An image is described by an optbuild.toml;
`optbuild COMMAND --help` explains each command."""
QUIET_HELP = "No progress: only results and errors."
VERSION_HELP = "Print the version and exit."
HELP_OPTIONS = ("-h", "--help")
MOST_COLUMNS = 100
"""A wider terminal is not filled."""

_OPTIONS = {
    "-q, --quiet": QUIET_HELP,
    "--version": VERSION_HELP,
    ", ".join(HELP_OPTIONS): "Show this message and exit.",
}
_FEWEST_COLUMNS = 50
_MARGIN = "  "


def format_overview(commands: Mapping[str, str], columns: int) -> str:
    """For a terminal of that many columns, without a newline at the end."""
    width = max(min(columns, MOST_COLUMNS) - len(_MARGIN), _FEWEST_COLUMNS)
    about = (_wrap(paragraph, width, _MARGIN, _MARGIN) for paragraph in ABOUT.split("\n\n"))
    limit = width - 3 * len(_MARGIN) - max(map(len, commands), default=0)
    listed = {name: _shorten(summary, limit) for name, summary in commands.items()}
    return "\n\n".join(
        (
            "Usage: optbuild [OPTIONS] COMMAND [ARGS]...",
            *about,
            "\n".join(("Options:", *_format_rows(_OPTIONS.items(), width))),
            "\n".join(("Commands:", *_format_rows(listed.items(), width))),
        )
    )


def _format_rows(rows: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    """Two columns, each line with the margin; the second is wrapped."""
    pairs = list(rows)
    first = max((len(name) for name, _ in pairs), default=0)
    for name, text in pairs:
        yield _wrap(text, width, f"{_MARGIN}{name:<{first}}{_MARGIN}", " " * (first + 2 * len(_MARGIN)))


def _wrap(text: str, width: int, first: str, others: str) -> str:
    return textwrap.fill(" ".join(text.split()), width, initial_indent=first, subsequent_indent=others)


def _shorten(summary: str, limit: int) -> str:
    return textwrap.shorten(summary, limit, placeholder="...", break_on_hyphens=False, break_long_words=False)
