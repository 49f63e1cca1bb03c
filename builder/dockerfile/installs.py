"""What a command installs or removes: apt, apk, dnf, pip."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.dockerfile.shell import ShellCommand

_SYSTEM = {
    "apt-get": "apt",
    "apt": "apt",
    "aptitude": "apt",
    "apk": "apk",
    "dnf": "dnf",
    "microdnf": "dnf",
    "yum": "dnf",
}
_ADD = ("install", "add", "localinstall")
_REMOVE = ("remove", "purge", "autoremove", "del", "erase")
_SYSTEM_VALUES = ("-t", "--target-release", "-o", "--option", "-c", "--config-file", "-a", "-X", "--repository")
"""Options whose value is the next word; ``--virtual`` and ``-t`` of apk name a group, see below."""
_PIP = re.compile(r"pip(\d+(\.\d+)?)?$")
_PYTHON = re.compile(r"python(\d+(\.\d+)?)?$")
_PIP_VALUES = frozenset(
    {
        "-t",
        "--target",
        "--prefix",
        "--root",
        "-i",
        "--index-url",
        "--extra-index-url",
        "-f",
        "--find-links",
        "--platform",
    }
    | {
        "--python-version",
        "--implementation",
        "--abi",
        "--src",
        "--upgrade-strategy",
        "--cache-dir",
        "--log",
        "--proxy",
    }
    | {"--retries", "--timeout", "--default-timeout", "--exists-action", "--trusted-host", "--cert", "--progress-bar"}
    | {"--global-option", "--config-settings", "-C", "--only-binary", "--no-binary", "--root-user-action", "--report"}
    | {"-p", "--python"}
)
_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*(.*)$", re.DOTALL)


@dataclass(frozen=True)
class SystemChange:
    """``manager``: apt, apk, dnf. ``packages`` without versions; ``group``: the name of ``apk add --virtual``."""

    manager: str
    action: str
    """``install``, ``remove``, ``update``, or another subcommand as it is written."""
    packages: tuple[str, ...]
    line: int
    group: str | None = None


@dataclass(frozen=True)
class PipInstall:
    """One ``pip install``. ``requirements`` as written; ``files`` of ``-r``; ``options`` are all words with a dash."""

    requirements: tuple[str, ...]
    files: tuple[str, ...]
    constraints: tuple[str, ...]
    options: tuple[str, ...]
    words: tuple[str, ...]
    assignments: tuple[str, ...]
    line: int
    uv: bool = False


def normalize_package_name(name: str) -> str:
    """As PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def split_requirement(text: str) -> tuple[str, str] | None:
    """``pandas[x]==2.0.3 ; marker`` → (``pandas``, ``==2.0.3``); None for a path, an address or an option.

    The address of ``name @ https://…`` is left out: it may hold a password.
    """
    bare = text.split(";", 1)[0].split(" #", 1)[0].strip()
    if not bare or bare.startswith(("-", ".", "/", "#", "$")) or "://" in bare.split("@")[0]:
        return None
    match = _NAME.match(bare)
    if match is None or "/" in match[1] or match[1].endswith((".whl", ".tar.gz", ".zip")):
        return None
    spec = re.sub(r"\s+", "", match[3])
    return normalize_package_name(match[1]), "@address" if spec.startswith("@") else spec


def parse_system_change(command: ShellCommand) -> SystemChange | None:
    """None when the command is not a package manager's."""
    manager = _SYSTEM.get(command.program)
    if manager is None:
        return None
    action, packages, group = "", [], None
    rest = list(command.words[1:])
    while rest:
        word = rest.pop(0)
        if manager == "apk" and word in ("-t", "--virtual") and rest:
            group = rest.pop(0)
        elif word in _SYSTEM_VALUES and rest:
            rest.pop(0)
        elif word.startswith(("-", ">", "<", "2>")):
            continue
        elif not action:
            action = word
        else:
            packages.append(re.split(r"[=<>~/]", word, maxsplit=1)[0].split(":")[0])
    action = "install" if action in _ADD else "remove" if action in _REMOVE else action
    return SystemChange(manager, action, tuple(packages), command.line, group)


def parse_pip_install(command: ShellCommand) -> PipInstall | None:
    """None when the command is not a ``pip install`` (of pip, ``python -m pip`` or uv)."""
    words = command.words
    uv = command.program == "uv"
    rest: tuple[str, ...] | None
    if uv and words[1:3] == ("pip", "install"):
        rest = words[3:]
    elif _PYTHON.match(command.program) and words[1:3] == ("-m", "pip"):
        rest = _find_install_words(words[3:])
    elif _PIP.match(command.program):
        rest = _find_install_words(words[1:])
    else:
        return None
    return None if rest is None else _parse_pip_words(rest, command, uv=uv)


def _find_install_words(words: tuple[str, ...]) -> tuple[str, ...] | None:
    """Options before the subcommand are kept behind it; None for another subcommand."""
    before: list[str] = []
    for index, word in enumerate(words):
        if not word.startswith("-"):
            return (*words[index + 1 :], *before) if word == "install" else None
        before.append(word)
    return None


def _parse_pip_words(words: tuple[str, ...], command: ShellCommand, *, uv: bool) -> PipInstall:
    requirements: list[str] = []
    files: list[str] = []
    constraints: list[str] = []
    options: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, _, value = word.partition("=")
        if word.startswith((">", "<", "2>", "&>")):
            break
        if name in ("-r", "--requirement", "--requirements", "-c", "--constraint", "--constraints"):
            target = files if name.startswith(("-r", "--r")) else constraints
            target.append(value or (rest.pop(0) if rest else ""))
        elif re.match(r"-[rc].", word):
            (files if word[1] == "r" else constraints).append(word[2:])
        elif word in ("-e", "--editable") and rest:
            requirements.append(rest.pop(0))
        elif word.startswith("-"):
            options.append(word)
            if name in _PIP_VALUES and not value and rest:
                options.append(rest.pop(0))
        else:
            requirements.append(word)
    return PipInstall(
        tuple(requirements),
        tuple(files),
        tuple(constraints),
        tuple(options),
        command.words,
        command.assignments,
        command.line,
        uv,
    )
