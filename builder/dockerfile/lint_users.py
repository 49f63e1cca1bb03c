"""Advice about the user: root at the end (OB304)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.core.text_edits import Position, TextEdit, insert_text
from builder.dockerfile.base_images import find_base_image
from builder.dockerfile.facts import Advice
from builder.dockerfile.lint_subject import find_instruction_extent
from builder.dockerfile.stages import substitute_variables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.dockerfile import Instruction
    from builder.dockerfile.lint_subject import LintSubject

_ROOT = ("root", "0")
_STEPS_DOWN = re.compile(r"\b(gosu|su-exec|setpriv|runuser)\b")
_MAKES_FILES = ("RUN", "COPY", "ADD", "WORKDIR", "USER", "SHELL")
"""What the user counts for, or is counted with; behind the last of these a USER changes nothing but the start."""
_NAME = re.compile(r"[a-z_][a-z0-9_.-]*\$?|\$\{?[A-Za-z_]\w*\}?")


def find_root_user(subject: LintSubject) -> Iterator[Advice]:
    """The last USER is root, or there is none and the base image is known to have none."""
    facts = subject.facts
    last = [one for one in subject.instructions if one.name == "USER"]
    if not subject.chain or _has_privilege_drop(subject):
        return
    if last:
        user = _resolve_user(subject, last[-1])
        if user not in _ROOT:
            return
        line, message = last[-1].line, f"the last USER is {user}"
    else:
        if find_base_image(facts.base) is None:
            return
        line, message = subject.chain[-1].line, f"no USER is set, and {facts.base} starts as root"
    fix = "\n".join(_choose_user(subject))
    if not fix:
        detail = "whom the base image starts as is not known here: `docker image inspect` shows it as Config.User"
        yield Advice("OB304", line, message, None, (f"{detail}; end with a USER of that name",))
        return
    yield Advice("OB304", line, message, fix, ("as the last instruction before CMD",), (_end_with(subject, fix),))


def _has_privilege_drop(subject: LintSubject) -> bool:
    """An entrypoint of its own together with gosu or the like: it begins as root on purpose."""
    if subject.facts.entrypoint is None:
        return False
    texts = (*subject.facts.entrypoint, *(step.run.value for step in subject.steps))
    return any(_STEPS_DOWN.search(text) for text in texts)


def _read_user(instruction: Instruction) -> str:
    return instruction.value.strip().strip("\"'")


def _resolve_user(subject: LintSubject, instruction: Instruction) -> str:
    """Without the group."""
    arguments = dict(subject.chain[-1].arguments)
    return substitute_variables(_read_user(instruction), arguments).partition(":")[0]


def _choose_user(subject: LintSubject) -> tuple[str, ...]:
    """The instructions that end with another user: the one before root, the base's, one that the file makes, or that
    the base has for programs; else a new one. Empty: nothing is known of the base.
    """
    facts = subject.facts
    former = [one for one in subject.instructions if one.name == "USER" and _resolve_user(subject, one) not in _ROOT]
    if former:
        return (f"USER {_read_user(former[-1])}",)
    if facts.parent is not None and facts.parent.user not in (None, *_ROOT):
        return (f"USER {facts.parent.user}",)
    if facts.published_base is not None:
        return (f"USER {facts.published_base.user}",)
    if made := find_made_users(subject):
        return (f"USER {next(reversed(made))}",)
    base = find_base_image(facts.root_base)
    if base is not None and base.user is not None:
        return (f"USER {base.user}",)
    return (base.user_command, "USER app") if base is not None and base.user_command is not None else ()


def find_made_users(subject: LintSubject) -> dict[str, int]:
    """The users that the Dockerfile makes, in order, each with its line; a name may be a variable of the Dockerfile."""
    found = {}
    for step in subject.steps:
        known = {name for name, _ in step.stage.arguments}
        for command in step.commands:
            if command.program not in ("useradd", "adduser") or "--system" in command.words:
                continue
            name = _find_user_name(command.words[1:])
            if name and _NAME.fullmatch(name) and ("$" not in name or name.strip("${}") in known):
                found[name] = command.line
    return found


_WITH_VALUE = re.compile(
    r"-[A-Za-z]*[bcdefgGhkKpPRsu]|--(base-dir|comment|home-dir|home|expiredate|inactive|gid|ingroup|groups|skel|key|"
    r"password|root|prefix|shell|uid|gecos|firstuid|lastuid|conf)"
)
"""The options of shadow's useradd, Debian's adduser and busybox's adduser whose value is the next word."""


def _find_user_name(words: tuple[str, ...]) -> str | None:
    """The first word that is neither an option nor an option's value; of ``adduser NAME GROUP`` there are two."""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            return word
        if _WITH_VALUE.fullmatch(word) and rest:
            rest.pop(0)
    return None


def _end_with(subject: LintSubject, fix: str) -> TextEdit:
    """Behind the last instruction that makes files; a last USER that nothing follows is replaced."""
    working = [one for one in subject.chain[-1].instructions if one.name in _MAKES_FILES]
    if working and working[-1].name == "USER" and _resolve_user(subject, working[-1]) in _ROOT:
        return TextEdit(*find_instruction_extent(working[-1]), fix)
    last = working[-1].last_line if working else subject.chain[-1].line
    lines = subject.text.split("\n")
    if last < len(lines):
        return insert_text(Position(last + 1, 0), f"{fix}\n")
    return insert_text(Position(last, len(lines[-1])), f"\n{fix}")
