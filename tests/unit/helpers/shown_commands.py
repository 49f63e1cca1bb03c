"""The commands that README and the pages in docs/ show, as they would be typed."""

from __future__ import annotations

import itertools
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
PAGES = (
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    *(path for path in sorted((REPOSITORY / "docs").rglob("*.md")) if path.parent.name != "reference"),
)
_BLOCK = re.compile(r"^```(?:console|sh)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_OPERATORS = {"|", ">", "&&", "||"}
_ASSIGNMENT = re.compile(r"[A-Z_]+=")


@dataclass(frozen=True)
class ShownCommand:
    """One command of a page. ``words`` without variables before it, and what the shell does with it behind it."""

    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {shlex.join(self.words)}"


def list_shown_commands() -> list[ShownCommand]:
    """In the order of the pages: lines with a prompt in blocks, and lines of optbuild that are indented."""
    found = []
    for path in PAGES:
        page, text = str(path.relative_to(REPOSITORY)), path.read_text(encoding="utf-8")
        lines = [line for block in _BLOCK.findall(text) for line in re.findall(r"^\$ (.*)$", block, re.MULTILINE)]
        lines += re.findall(r"^    (optbuild .*)$", text, re.MULTILINE)
        found += [ShownCommand(page, _split_words(line)) for line in lines]
    return found


def _split_words(line: str) -> tuple[str, ...]:
    words = [*itertools.takewhile(lambda word: word not in _OPERATORS, shlex.split(line, comments=True))]
    while words and _ASSIGNMENT.match(words[0]):
        del words[0]
    return tuple(words)
