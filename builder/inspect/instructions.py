"""What made each layer, in one line that can be shown: the values of build arguments and other secrets are masked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.core.redact import MASK, find_secret_values, mask_text, mask_values
from builder.engine.layers import NOP
from builder.engine.tarstream import escape_unprintable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LONGEST = 4000
"""Characters that are kept of an instruction."""
"""What the classic builder writes before an instruction that ran nothing."""
_ARGUMENTS = re.compile(r"^(?:RUN )?\|(\d+) ")
"""Then so many ``NAME=value``, unquoted, then the shell (moby, ``builder/dockerfile``; BuildKit writes the same)."""
_NAME = re.compile(r"(?:^| )([A-Za-z_]\w*)=")
_SHELL = re.compile(r"(?:^|(?<= ))/\S*sh(?: -o \w+| -[a-z]+)*? -[a-z]*c ")
_CONFIGURES = re.compile(r"^(ENV|ARG)\s+([\w.-]+)[\s=].*", re.DOTALL)
_BUILDKIT = re.compile(r"\s*# buildkit$")

_PLANNED = re.compile(r"COPY /out/([a-z0-9][a-z0-9.-]*)/ /")
"""What our own Dockerfile says of a layer that the lock planned."""
_ENTRY = re.compile(r"COPY /out/(\d+)/ /|RUN .*/place_files\.py /files / (\d+)")
_SCRIPTS = re.compile(r"COPY /out/build\.run/ /|RUN .*/run_scripts\.py stay .*")
"""The same of the project's own files, with one stage too."""


def name_planned_layer(instruction: str) -> str:
    """``Python packages: seaborn``, in the words of ``render --explain``, and what the project itself brings in those
    of the spec; any other instruction as it is."""
    if _SCRIPTS.fullmatch(instruction):
        return "Scripts of [build] run"
    if entry := _ENTRY.fullmatch(instruction):
        return f"Entry {entry[1] or entry[2]} of [files]"
    planned = _PLANNED.fullmatch(instruction)
    return f"Python packages: {planned[1]}" if planned else instruction


def format_instructions(history: Iterable[str], shell: Sequence[str] = ()) -> tuple[str, ...]:
    """One line for each text of an image's history. ``shell``: the one that the image's configuration names, if any."""
    words = " ".join(shell) + " " if shell else ""
    split = [_split_arguments(text, words) for text in history]
    found = {one for values, _ in split if values for one in find_secret_values(values)}
    hidden = tuple(sorted(found, key=lambda one: (-len(one), one)))
    return tuple(_format_line(text, hidden) for _, text in split)


def _split_arguments(created_by: str, shell: str) -> tuple[dict[str, str], str]:
    """Build arguments with their values, where it is certain which they are; the instruction without them."""
    text = _BUILDKIT.sub("", NOP.sub("", created_by).strip())
    arguments = _ARGUMENTS.match(text)
    if arguments is None:
        plain = text.removeprefix("RUN ")
        end = max((end for start, end in _find_shells(plain, shell) if start == 0), default=0)
        return {}, f"RUN {plain[end:]}" if end else text
    rest = text[arguments.end() :]
    spans = _find_shells(rest, shell)
    if not spans:
        return {}, f"RUN {MASK}"
    start, end = max(spans)  # the last one: a value may hold the words of a shell too
    values = _parse_values(rest[:start].strip(), int(arguments[1]))
    told = " ".join(f"{name}={MASK}" for name in values) or MASK
    return values, f"RUN {told} {rest[end:]}"


def _find_shells(text: str, shell: str) -> list[tuple[int, int]]:
    """Where a shell and its options are, (start, end); its command follows."""
    found = [match.span() for match in _SHELL.finditer(text)]
    at = text.rfind(shell) if shell else -1
    if text.startswith(shell) and shell:
        found.append((0, len(shell)))
    return [*found, (at, at + len(shell))] if at >= 0 else found


def _parse_values(text: str, count: int) -> dict[str, str]:
    """Empty where a value may hold what looks like a further argument."""
    names = list(_NAME.finditer(text))
    if not names or len(names) != count:
        return {}
    ends = [*(name.start() for name in names[1:]), len(text)]
    return {name[1]: text[name.end() : end] for name, end in zip(names, ends, strict=True)}


def _format_line(text: str, hidden: tuple[str, ...]) -> str:
    text = mask_values(_CONFIGURES.sub(rf"\1 \2={MASK}", text), hidden)
    return mask_text(escape_unprintable(" ".join(text.split()))[:LONGEST])
