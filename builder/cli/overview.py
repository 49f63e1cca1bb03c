"""What `optbuild --help` prints: the commands in groups, each with one line.

Written here and not by typer, because importing typer takes longer than all else that a start needs. A test compares
what typer has too (usage, about, options) with what it would print, byte for byte.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

GROUPS: Mapping[str, Mapping[str, str]] = {
    "Your compose project": {
        "plan": "Show what your services build several times, and the edit.",
        "optimize": "Let services share one image: in the files, and running.",
        "rollback": "Undo the last `optbuild optimize` of this project.",
    },
    "Your image": {
        "init": "Write the optbuild.toml for what a project builds today.",
        "schema": "Print the JSON Schema of optbuild.toml, for editors.",
        "lock": "Resolve optbuild.toml to exact versions: optbuild.lock.",
        "render": "Print the Dockerfile of a locked optbuild.toml.",
        "build": "Build the image of a locked optbuild.toml, and prove it.",
        "verify": "Start every role of an image, and check that it works.",
    },
    "What lies on the disk": {
        "images": "Show every image: true bytes, who uses it, why it stays.",
        "inspect": "Show what takes an image's bytes, and which are waste.",
        "diff": "Show what grew and shrank from one image to another.",
        "clean": "Remove images that were replaced, or that nothing names.",
        "backup": "Save images with all their names, each in an archive.",
        "restore": "Load what `optbuild backup` saved, with its IDs and names.",
    },
    "This machine": {
        "doctor": "Say what this machine can do.",
        "completion": "Print the script with which a shell completes commands.",
    },
}
"""What the commands are about → those commands, each with a line that fits 80 columns."""
COMMANDS: Mapping[str, str] = {name: line for group in GROUPS.values() for name, line in group.items()}
"""Each is the function `command` of builder/cli/<name>.py, with the first sentence of its docstring."""

ABOUT = """\
Make one small, pinned, proven image out of the many that an Airflow project builds.

Start with `optbuild plan` in the folder of a compose file: it changes nothing. An image is described by an
optbuild.toml; `optbuild doctor` says what this machine can do, `optbuild COMMAND --help` explains each command."""
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
    return "\n\n".join(
        (
            "Usage: optbuild [OPTIONS] COMMAND [ARGS]...",
            *about,
            "\n".join(("Options:", *_format_rows(_OPTIONS.items(), width))),
            *_format_groups(commands, width),
        )
    )


def _format_groups(commands: Mapping[str, str], width: int) -> Iterator[str]:
    """A paragraph for each group of those commands; whatever is in none comes last. All have the same columns."""
    first = max(map(len, commands), default=0)
    groups = {title: [name for name in group if name in commands] for title, group in GROUPS.items()}
    groups["Commands"] = [name for name in commands if not any(name in group for group in GROUPS.values())]
    for title, names in groups.items():
        if names:
            rows = ((f"{name:<{first}}", commands[name]) for name in names)
            yield "\n".join((f"{title}:", *_format_rows(rows, width)))


def _format_rows(rows: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    """Two columns, each line with the margin; the second is wrapped."""
    pairs = list(rows)
    first = max((len(name) for name, _ in pairs), default=0)
    for name, text in pairs:
        yield _wrap(text, width, f"{_MARGIN}{name:<{first}}{_MARGIN}", " " * (first + 2 * len(_MARGIN)))


def _wrap(text: str, width: int, first: str, others: str) -> str:
    return textwrap.fill(" ".join(text.split()), width, initial_indent=first, subsequent_indent=others)
