"""The commands of a RUN that no key of the spec says: why each stays open, and what to do about it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.adopt.values import show_words

if TYPE_CHECKING:
    from builder.adopt.model import Collection
    from builder.core.errors import Where
    from builder.dockerfile.shell import ShellCommand

SCRIPT_STEP = (
    "put the commands into a script of the project, and name it in run of [build], with the folders that it fills in "
    "run-folders"
)
_CONDITIONS = frozenset({"[", "[[", "test", "if", "case", "for", "while"})
_DATABASE_COMMANDS = frozenset({"db", "initdb", "upgradedb", "users", "connections", "variables", "pools"})
_DATABASE_REASON = "it fills a database while the image is built, which is not the one that the containers have"
_DATABASE_STEP = (
    "leave it out: the role init makes the tables and the first user when it starts; connections and variables can be "
    "given as AIRFLOW_CONN_NAME and AIRFLOW_VAR_NAME then"
)
_REPOSITORY = re.compile(r"/etc/apt/(?!lists)|/usr/share/keyrings/|^(?:add-apt-repository|apt-add-repository|apt-key)$")
_KEY_PROGRAMS = frozenset({"curl", "wget", "gpg", "tee", "install", "cat"})
"""Bring the key of a repository, in the same RUN."""
_REPOSITORY_REASON = "it adds a repository of packages, and a lock has those of Debian's mirror alone"
_REPOSITORY_STEP = (
    "take the packages that come from it out of [apt], and let a script in run of [build] put their files below a "
    "folder of run-folders; or take a base that has them"
)


def leave_commands(left: list[ShellCommand], where: Where, collection: Collection) -> None:
    """Report what is ``left`` of the RUN at ``where``, by the kinds of reasons."""
    filling = [one for one in left if one.program == "airflow" and _DATABASE_COMMANDS.intersection(one.words[1:2])]
    repository = [one for one in left if any(_REPOSITORY.search(word) for word in one.words)]
    if repository:
        repository = [one for one in left if one in repository or one.program in _KEY_PROGRAMS]
    others = [one for one in left if one not in (*filling, *repository)]
    if filling:
        collection.leave(where, _show_commands(filling), _DATABASE_REASON, _DATABASE_STEP)
    if repository:
        collection.leave(where, _show_commands(repository), _REPOSITORY_REASON, _REPOSITORY_STEP)
    if others:
        is_conditional = any(one.program in _CONDITIONS for one in others)
        reason = "a condition of the shell decides it" if is_conditional else "no key of the spec does this"
        collection.leave(where, _show_commands(others), reason, SCRIPT_STEP)
        collection.left_runs.append(where)


def _show_commands(left: list[ShellCommand]) -> str:
    """The first that does something, and how many more there are."""
    first = next((one for one in left if one.program not in _CONDITIONS), left[0])
    more = f" (and {len(left) - 1} more of this RUN)" if len(left) > 1 else ""
    return f"RUN {show_words(' '.join(first.words))}{more}"
