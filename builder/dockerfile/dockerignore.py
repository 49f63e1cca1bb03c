"""Which files a ``.dockerignore`` keeps out of a build, by Docker's own rules.

Source: the Dockerfile reference, ".dockerignore file", and moby/patternmatcher (``MatchesOrParentMatches``).
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

DOCKERIGNORE = ".dockerignore"
MOST_PATTERNS = 10_000


@dataclass(frozen=True)
class DockerIgnore:
    """The patterns in their order: the last one that fits a path, or a folder above it, decides."""

    patterns: tuple[tuple[re.Pattern[str], bool], ...] = ()
    """Each with whether it keeps (``!``)."""

    def excludes(self, path: str) -> bool:
        """Whether a build does not see ``path``, which is relative to the context."""
        parts = path.split("/")
        every = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
        out = False
        for pattern, keeps in self.patterns:
            if out is keeps and any(pattern.fullmatch(one) for one in every):
                out = not keeps
        return out


def parse_dockerignore(text: str) -> DockerIgnore:
    """What the text of one says; comments, blank lines and patterns for the context itself say nothing."""
    found = []
    for line in text.removeprefix("\ufeff").splitlines()[:MOST_PATTERNS]:
        word = line.strip()
        if not word or line.startswith("#"):
            continue
        keeps = word.startswith("!")
        cleaned = posixpath.normpath(word.removeprefix("!").strip()).strip("/")
        if cleaned not in ("", "."):
            found.append((_compile_pattern(cleaned), keeps))
    return DockerIgnore(tuple(found))


def _compile_pattern(text: str) -> re.Pattern[str]:
    """``*`` and ``?`` stop at a slash, ``**`` does not (Go's filepath.Match, and Docker's addition)."""
    expression, index = "", 0
    while index < len(text):
        if text.startswith("**", index):
            index += 2
            if text.startswith("/", index):
                index += 1
                expression += "(?:.*/)?"
            else:
                expression += ".*"
            continue
        character = text[index]
        group = re.match(r"\[\^?[^\]/]+\]", text[index:]) if character == "[" else None
        if group is not None:
            expression += group[0].replace("\\", "\\\\")
            index += len(group[0])
            continue
        if character == "\\" and index + 1 < len(text):
            index += 1
            character = text[index]
            expression += re.escape(character)
        else:
            expression += {"*": "[^/]*", "?": "[^/]"}.get(character, re.escape(character))
        index += 1
    return re.compile(expression, re.DOTALL)
