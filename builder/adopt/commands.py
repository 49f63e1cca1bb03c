"""The commands of a RUN: what a key of the spec says as well, what does nothing here, and what stays open."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from builder.adopt.installers import InstallerScripts, makes_environment
from builder.adopt.left_commands import SCRIPT_STEP, leave_commands
from builder.adopt.model import Found
from builder.adopt.project_installs import ALL_EXTRAS, PART_OPTIONS, ProjectInstalls
from builder.adopt.requirements import INDEX_OPTIONS
from builder.adopt.values import find_refusal, show_words
from builder.airflow.variables import HOME
from builder.core.phrases import format_short_list
from builder.dockerfile.installs import parse_pip_install, parse_system_change
from builder.dockerfile.lint_compilers import is_build_package
from builder.dockerfile.requirements import find_environment_value
from builder.dockerfile.runtime_libraries import find_runtime_library
from builder.dockerfile.stages import substitute_variables

if TYPE_CHECKING:
    from builder.adopt.model import BuildContext, Collection
    from builder.adopt.requirements import RequirementReader
    from builder.core.errors import Where
    from builder.dockerfile.files import BuildFiles
    from builder.dockerfile.installs import PipInstall
    from builder.dockerfile.run_steps import RunStep
    from builder.dockerfile.shell import ShellCommand

_IDLE = frozenset(
    {"set", "true", ":", "echo", "export", "cd", "umask", "date", "ls", "sync", "shopt", "exit", "printf"}
)
"""Programs that leave nothing in the image."""
_CLEANED = re.compile(
    r"/(?:var/(?:lib/apt|cache|tmp|log)|tmp|root/\.cache|home/airflow/\.cache|usr/share/(?:doc|man))(?:/|$)"
)
_VALUE_OPTIONS = frozenset(
    {"--upgrade-strategy", "--cache-dir", "--timeout", "--default-timeout", "--retries", "--progress-bar"}
)
_PLAIN_OPTIONS = re.compile(
    r"--(?:no-cache-dir|no-cache|user|upgrade|quiet|verbose|system|compile|no-compile|force-reinstall|ignore-installed"
    r"|no-warn-\S+|break-system-packages|root-user-action\S*|disable-pip-version-check|no-input|isolated|prefix\S*"
    r"|no-build-isolation|upgrade-strategy\S*|cache-dir\S*|\S*timeout\S*|retries\S*|progress-bar\S*|python\S*)$|-[qvUI]$"
)
_RELEASE = "bookworm"
_WHEEL_MAKERS = frozenset({"wheel", "download"})
"""Subcommands of pip that put into a folder what `install` would put into the environment."""
_WHEEL_FOLDERS = re.compile(r"(?:--wheel-dir|--dest|-w|-d)(=.*)?$")
_WITH_VALUES = INDEX_OPTIONS - {"--no-index"} | _VALUE_OPTIONS | PART_OPTIONS | {"--target", "--prefix", "--root"}
_LOCAL_INDEX = frozenset({"--no-index", "--find-links", "-f"})


@dataclass
class CommandReader:
    """Walks the RUNs of one Dockerfile. ``built``: in a stage that only hands over Python packages."""

    collection: Collection
    context: BuildContext
    files: BuildFiles
    requirements: RequirementReader
    headers: list[Found] = field(default_factory=list)
    """Headers that stay in the original, so what is built against them finds their library."""
    prefixes: set[str] = field(default_factory=set)
    """Where pip of other stages puts packages."""

    wheel_lines: set[int] = field(default_factory=set)
    """Where stages that hand them over make wheels: what they were told is what another one installs."""
    waiting: list[tuple[RunStep, Where, tuple[ShellCommand, ...]]] = field(default_factory=list)
    """What installs no packages: whether it says anything is known once all copies are."""

    def __post_init__(self) -> None:
        self.installers = InstallerScripts(self.collection)
        self.projects = ProjectInstalls(self.collection, self.context, self.requirements, self._find_file, self.files)

    def collect(self, step: RunStep, where: Where, *, built: bool = False) -> None:
        """The packages of one RUN."""
        left: list[ShellCommand] = []
        for command in step.filled:
            words = tuple(substitute_variables(word, step.environment) for word in command.words)
            filled = replace(command, words=words, places=())
            is_marker = all(word.startswith("<<") for word in words)  # of a heredoc, whose commands come too
            if not is_marker and not self._collect_packages(filled, step, where, built=built):
                left.append(filled)
        if left and not built:
            self.waiting.append((step, where, tuple(left)))

    def finish(self) -> None:
        """All else that the RUNs do."""
        for step, where, commands in self.waiting:
            own = [one for one in commands if not self.installers.brings(one, step.folder, where)]
            left = [command for command in own if not self._is_idle(command, step)]
            if left:
                leave_commands(left, where, self.collection)
        self._add_libraries()

    def _collect_packages(self, command: ShellCommand, step: RunStep, where: Where, *, built: bool) -> bool:
        """Whether nothing of it stays open."""
        change = parse_system_change(command)
        if change is not None:
            self._note_versions(command, change.packages, where)
            return self._collect_system(change.manager, change.action, change.packages, where, built=built)
        pip = parse_pip_install(command)
        if pip is None and built:
            pip = parse_pip_install(_read_wheel_maker(command))
            self.wheel_lines.update({pip.line} if pip is not None else ())
        if pip is None:
            return self.projects.collect_command(command, step, where)
        self._collect_pip(pip, step, where, built=built)
        return True

    def _collect_system(
        self, manager: str, action: str, packages: tuple[str, ...], where: Where, *, built: bool
    ) -> bool:
        if manager != "apt":
            return False
        if action == "install":
            for name in packages:
                self._collect_package(name, where, built=built)
        elif action == "remove":
            self._move_to_build(packages)
        elif action in ("upgrade", "dist-upgrade", "full-upgrade"):
            self.collection.note(where, "upgrades: the lock has the newest version of each Debian package, exactly")
        return action in (
            "install",
            "remove",
            "update",
            "clean",
            "autoclean",
            "upgrade",
            "dist-upgrade",
            "full-upgrade",
            "",
        )

    def _note_versions(self, command: ShellCommand, packages: tuple[str, ...], where: Where) -> None:
        asked = [word for word in command.words if "=" in word and word.partition("=")[0] in packages]
        if asked:
            text = (
                f"the versions that apt is asked for ({format_short_list(asked, 8)}): the lock has those of the mirror"
            )
            self.collection.note(where, text)

    def _collect_package(self, name: str, where: Where, *, built: bool) -> None:
        if name.startswith(("./", "/")) or name.endswith(".deb"):
            self.collection.leave(where, show_words(name), "it is a file, and not a package of Debian's", SCRIPT_STEP)
        elif (refusal := find_refusal("DebianPackageName", name)) is not None:
            self.collection.leave(where, show_words(name), str(refusal), refusal.hint or "name it in [apt]")
        elif built or is_build_package(name):
            self.collection.apt_build.append(Found(name, where))
            if not built:
                self.headers.append(Found(name, where))
        else:
            self.collection.apt_runtime.append(Found(name, where))

    def _move_to_build(self, removed: tuple[str, ...]) -> None:
        """What a RUN removes again was needed only to build."""
        kept = [one for one in self.collection.apt_runtime if one.value not in removed]
        gone = [one for one in self.collection.apt_runtime if one.value in removed]
        self.collection.apt_runtime[:] = kept
        self.collection.apt_build += gone
        self.headers = [one for one in self.headers if one.value not in removed]

    def _add_libraries(self) -> None:
        """The libraries of headers that stay in the original."""
        have = {one.value for one in self.collection.apt_runtime}
        for header in self.headers:
            for name in (find_runtime_library("apt", header.value, _RELEASE) or "").split():
                if name not in have:
                    have.add(name)
                    self.collection.apt_runtime.append(Found(name, header.where))
                    self.collection.note(
                        header.where, f"{name} is the library of {header.value}, which is needed only to build"
                    )

    def _collect_pip(self, pip: PipInstall, step: RunStep, where: Where, *, built: bool) -> None:
        others, files = self.projects.collect_pip(pip, step, where)
        for word in others:
            if not (self.wheel_lines and word.startswith(("/", "./"))):
                self.requirements.add_requirement(word, where)
        configured = find_environment_value("UV_CONSTRAINT" if pip.uv else "PIP_CONSTRAINT", step).split()
        for name in (*files, *pip.constraints, *configured):
            place = self._find_file(name, step)
            if name in files:
                self.requirements.read_file(place or name, where=where)
            else:
                self.requirements.read_constraints(place or name, where)
        options = list(pip.options)
        while options:
            option, _, value = options.pop(0).partition("=")
            words = option
            if option in _WITH_VALUES and not value and options:
                value = options.pop(0)
            if option in ("--target", "--prefix", "--root"):
                self.prefixes.add(value)
                if built:
                    continue
            elif (
                option in (*PART_OPTIONS, ALL_EXTRAS)
                or _PLAIN_OPTIONS.fullmatch(option)
                or (self.wheel_lines and option in _LOCAL_INDEX)
            ):
                continue
            words = f"{option} {value}" if value else option
            self.requirements.add_option(option, words, where)

    def _find_file(self, name: str, step: RunStep) -> str | None:
        """The path below the root of a file that a RUN reads; None: it does not come from the context."""
        found = self.files.find_origin(name.removeprefix("file://"), step.folder, step.mounts)
        return None if found is None else self.context.name_of(posixpath.normpath(found.lstrip("/")))

    def _is_idle(self, command: ShellCommand, step: RunStep) -> bool:
        """Whether the command leaves nothing that the spec must say."""
        program, words = command.program, command.words[1:]
        paths = [posixpath.normpath(posixpath.join(step.folder, one)) for one in words if not one.startswith("-")]
        if program in _IDLE or command.words[:2] == ("poetry", "config") or makes_environment(command.words):
            return ">" not in words
        if program in ("rm", "find"):
            read = {posixpath.basename(one) for one in (*self.collection.read_files, *self.projects.exports)}
            return all(_CLEANED.match(one) or posixpath.basename(one) in read for one in paths)
        if program == "mkdir":
            return all(self._is_made(one) for one in paths)
        if program in ("chown", "chgrp"):
            return all(f"{one}/".startswith(f"{HOME}/") for one in paths[1:])
        if program in ("pip", "pip3") or command.words[1:3] == ("-m", "pip"):
            return not {"install", "uninstall", "download", "wheel"} & set(words)
        return program == "chmod" and self._is_executable(paths[1:], words)

    def _is_made(self, path: str) -> bool:
        """Whether an entry of [files] makes this folder, or every image has it."""
        own = (HOME, *(f"{HOME}/{name}" for name in ("dags", "logs", "plugins", "config")))
        targets = [found.value for found in self.collection.files.values()]
        return path in own or any(f"{target}/".startswith(f"{path}/") for target in targets)

    def _is_executable(self, paths: list[str], words: tuple[str, ...]) -> bool:
        """Whether ``chmod +x`` says what the file's own mode in the project says."""
        sources = {found.value: name for name, found in self.collection.files.items()}
        files = [self.context.root / sources[one] for one in paths if one in sources]
        return (
            "+x" in words[0]
            and len(files) == len(paths)
            and all(one.is_file() and one.stat().st_mode & 0o100 for one in files)
        )


def _read_wheel_maker(command: ShellCommand) -> ShellCommand:
    """``pip wheel`` and ``pip download`` as the ``pip install`` of the same; another command as it is."""
    words = list(command.words)
    place = next((place for place, word in enumerate(words[:4]) if word in _WHEEL_MAKERS), None)
    if place is None:
        return command
    words[place] = "install"
    kept: list[str] = []
    while words:
        word = words.pop(0)
        folder = _WHEEL_FOLDERS.fullmatch(word)
        if folder is None:
            kept.append(word)
        elif folder[1] is None and words:
            words.pop(0)
    return replace(command, words=tuple(kept), places=())
