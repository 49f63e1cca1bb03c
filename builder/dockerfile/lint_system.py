"""Advice about what system packages leave behind: apt's lists (OB306)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.core.text_edits import TextEdit, cut_edited, insert_text
from builder.dockerfile.facts import Advice
from builder.dockerfile.installs import parse_system_change
from builder.dockerfile.lint_subject import find_instruction_extent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.dockerfile.lint_subject import LintSubject
    from builder.dockerfile.run_steps import RunStep
    from builder.dockerfile.shell import ShellCommand

_LISTS = re.compile(r"/var/lib/apt(/lists(/(partial/?)?)?|/)?(\*|\.)*$")
_REMOVAL = "rm -rf /var/lib/apt/lists/*"


def find_kept_package_lists(subject: LintSubject) -> Iterator[Advice]:
    """A RUN that fetches apt's lists and does not delete them itself."""
    for step in subject.steps:
        changes = [
            change for command in step.commands if (change := parse_system_change(command)) and change.manager == "apt"
        ]
        update = next((change for change in changes if change.action == "update"), None)
        if update is None or any(_is_list_removal(command) for command in step.commands):
            continue
        if any(change.action in ("dist-clean", "distclean") for change in changes):
            continue
        if step.has_cache_mount("/var/lib/apt") or step.has_tmpfs("/var/lib/apt"):
            continue
        yield _advise(update.line, _append(subject, step, f" && {_REMOVAL}"))


def _advise(line: int, edits: tuple[TextEdit, ...]) -> Advice:
    """With its ``&&`` and its line where that can follow: a RUN may end with ``;``, or be an argument vector."""
    where = f"behind the last command of the same RUN, in line {edits[0].start.line}" if edits else ""
    return Advice(
        "OB306",
        line,
        "apt's package lists stay in this layer",
        f"&& {_REMOVAL}" if edits else _REMOVAL,
        (f"{where or 'as the last command of the same RUN'}; `apt-get clean` does not delete them",),
        edits,
    )


def _append(subject: LintSubject, step: RunStep, text: str) -> tuple[TextEdit, ...]:
    """``text`` behind the last command of a RUN; nothing where it is not sure that it belongs to it there."""
    last = step.commands[-1].extent
    _, end = find_instruction_extent(step.run)
    if last is None:
        return ()
    behind = cut_edited(subject.text, (), last[1], end) if last[1] <= end else ""
    if step.commands[-1].nested or re.fullmatch(r"\s*(#.*)?", behind):
        return (insert_text(last[1], text),)
    return (insert_text(end, text),) if re.fullmatch(r"[\s\\;)}]*[)}]", behind) else ()


def _is_list_removal(command: ShellCommand) -> bool:
    return command.program in ("rm", "find") and any(_LISTS.match(word) for word in command.words[1:])
