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
    """--target --prefix --root --index-url --default-index --index --extra-index-url --find-links --platform --src
    --python --python-version --python-platform --implementation --abi --upgrade-strategy --cache-dir --log --proxy
    --retries --timeout --default-timeout --exists-action --trusted-host --cert --client-cert --progress-bar
    --global-option --config-settings --config-setting --only-binary --no-binary --root-user-action --report
    --use-feature --use-deprecated --upgrade-package --reinstall-package --refresh-package --link-mode --resolution
    --prerelease --index-strategy --keyring-provider --exclude-newer --build-constraint --build-constraints --group
    --extra --config-file --directory""".split()  # noqa: SIM905 - a list of 50 quoted words is not read
)
"""Options of pip and uv whose value is the next word, or stands behind ``=``."""
_SHORT_VALUES = {False: "rcetifbCd", True: "rceifbCpPo"}
"""The letters that take a value, for pip and for uv: what follows in the word, else the next word."""
_LONG_NAMES = {
    "-t": "--target",
    "-p": "--python",
    "-i": "--index-url",
    "-f": "--find-links",
    "-b": "--build-constraint",
}
_FILE_OPTIONS = ("-r", "--requirement", "--requirements")
_CONSTRAINT_OPTIONS = ("-c", "--constraint", "--constraints", "--override", "--overrides")
_ELSEWHERE = frozenset({"--target", "--prefix", "--root"})
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
    """One ``pip install``. ``requirements`` as written; ``files`` of ``-r``; ``options`` are all words with a dash,
    one for each letter of ``-qU``, and the values of those that take one."""

    requirements: tuple[str, ...]
    files: tuple[str, ...]
    constraints: tuple[str, ...]
    options: tuple[str, ...]
    words: tuple[str, ...]
    assignments: tuple[str, ...]
    line: int
    uv: bool = False

    @property
    def goes_elsewhere(self) -> bool:
        """Into a folder of its own, which no interpreter looks into unasked."""
        return any(word.partition("=")[0] in _ELSEWHERE for word in self.options)

    @property
    def python(self) -> str | None:
        """The interpreter or environment that it names by an option."""
        for index, word in enumerate(self.options):
            name, _, value = word.partition("=")
            if name == "--python":
                return value or next(iter(self.options[index + 1 :]), None)
        return None


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
    """None when the command is not a ``pip install`` (of pip, ``python -m pip`` or uv, ``uv pip sync`` too)."""
    words = command.words
    uv = command.program == "uv"
    rest: tuple[str, ...] | None
    if uv:
        rest = _find_uv_words(words[1:])
    elif _PYTHON.match(command.program) and words[1:3] == ("-m", "pip"):
        rest = _find_install_words(words[3:])
    elif _PIP.match(command.program):
        rest = _find_install_words(words[1:])
    else:
        return None
    return None if rest is None else _parse_pip_words(rest, command, uv=uv)


def _find_uv_words(words: tuple[str, ...]) -> tuple[str, ...] | None:
    before, rest = _split_options(words)
    if rest[:1] != ("pip",):
        return None
    more, rest = _split_options(rest[1:])
    if rest[:1] == ("install",):
        return (*rest[1:], *before, *more)
    if rest[:1] == ("sync",):  # its words are files
        return (*(one for word in rest[1:] for one in (("-r", word) if not word.startswith("-") else (word,))), *before)
    return None


def _find_install_words(words: tuple[str, ...]) -> tuple[str, ...] | None:
    """Options before the subcommand are kept behind it; None for another subcommand."""
    before, rest = _split_options(words)
    return (*rest[1:], *before) if rest[:1] == ("install",) else None


def _split_options(words: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The options at the beginning with their values, and what follows."""
    index = 0
    while index < len(words) and words[index].startswith("-"):
        index += 2 if words[index] in (*_PIP_VALUES, "-p") else 1
    return words[:index], words[index:]


def _parse_pip_words(words: tuple[str, ...], command: ShellCommand, *, uv: bool) -> PipInstall:
    requirements: list[str] = []
    files: list[str] = []
    constraints: list[str] = []
    options: list[str] = []
    rest = _spread_options(words, uv=uv)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if word.startswith((">", "<", "2>", "&>")):
            break
        if name in _FILE_OPTIONS or name in _CONSTRAINT_OPTIONS:
            target = files if name in _FILE_OPTIONS else constraints
            target.append(value if equals else (rest.pop(0) if rest else ""))
        elif name in ("-e", "--editable"):
            requirements += [value] if equals else [rest.pop(0)] if rest else []
        elif word.startswith("-"):
            options.append(word)
            if name in _PIP_VALUES and not equals and rest:
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


def _spread_options(words: tuple[str, ...], *, uv: bool) -> list[str]:
    """``-qr r.txt`` as ``-q``, ``-r``, ``r.txt`` and ``-rr.txt`` as ``-r``, ``r.txt``, as optparse and clap read them;
    options of one letter by their long name where they have one here."""
    found: list[str] = []
    for word in words:
        if not re.match(r"-[A-Za-z]", word):
            found.append(word)
            continue
        for index, letter in enumerate(word[1:], 1):
            found.append(_LONG_NAMES.get(f"-{letter}", f"-{letter}"))
            if letter in _SHORT_VALUES[uv]:
                found += [word[index + 1 :].removeprefix("=")] if word[index + 1 :] else []
                break
    return found
