"""Which apt can read the package lists of a release: this machine's, or that of a container."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from builder.core.debian import SOURCES_VARIABLE
from builder.core.errors import NoPackageListsError, SourcesFileError, ToolMissingError
from builder.core.files import make_private_folder
from builder.core.limits import LOCK_LIMIT
from builder.core.process import Command, ProcessResult
from builder.image.lock.apt import Apt
from builder.image.lock.apt_sources import select_release_sources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.core.process import Runner
    from builder.image.lock.target import LockTarget

_SOURCES_IN_IMAGE = "/etc/apt/sources.list.d/debian.sources"
"""Of the official Debian images since bookworm."""


def open_apt(target: LockTarget, root: Path, *, runner: Runner, env: Mapping[str, str], etc_apt: Path) -> Apt:
    """An apt with a private root for the release, its sources written; raises :class:`NoPackageListsError`."""
    named = env.get(SOURCES_VARIABLE)
    sources = (
        read_named_sources(Path(named), target.release) if named else read_machine_sources(etc_apt, target.release)
    )
    lacks = None if sources else f"has no apt source of {target.release}"
    if sources and not _try_command(("apt-get", "--version"), runner, env).ok:
        lacks = "has no apt-get"
    if lacks is None:
        apt = Apt(root, target.architecture, runner, env)
    else:
        apt, found = _open_apt_in_container(target, root, runner, env, lacks)
        sources = sources if named else found
    apt.prepare(sources)
    return apt


def read_named_sources(path: Path, release: str) -> dict[str, str]:
    """Those of the file that a person named, in either format, as ``base.sh`` of a rendered context reads it too."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        message = f"{SOURCES_VARIABLE} names {path}, which cannot be read: {error.strerror}"
        raise SourcesFileError(message, hint="correct or unset it") from error
    except UnicodeDecodeError as error:
        message = f"{SOURCES_VARIABLE} names {path}, which is not a text file"
        raise SourcesFileError(message, hint="correct or unset it") from error
    name = "optbuild.sources" if re.search(r"^Types:", text, re.MULTILINE) else "optbuild.list"
    sources = select_release_sources({name: text}, release)
    if not sources:
        message = f"{SOURCES_VARIABLE} names {path}, which has no source of {release}"
        raise SourcesFileError(message, hint=f"add one of {release}, or unset it")
    return sources


def read_machine_sources(etc_apt: Path, release: str) -> dict[str, str]:
    """The machine's own sources of ``release``, empty when it has none."""
    paths = [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*"))]
    readable = [path for path in paths if path.suffix in (".list", ".sources") and path.is_file()]
    return select_release_sources({path.name: path.read_text(encoding="utf-8") for path in readable}, release)


def _open_apt_in_container(
    target: LockTarget, root: Path, runner: Runner, env: Mapping[str, str], lacks: str
) -> tuple[Apt, dict[str, str]]:
    make_private_folder(root)
    prefix = make_container_prefix(target, root, os.getuid(), os.getgid())
    answer = _try_command((*prefix, "cat", _SOURCES_IN_IMAGE), runner, env)
    if not answer.ok:
        reason = (answer.err.strip().splitlines() or ["docker is not installed"])[-1]
        raise NoPackageListsError(target.release, lacks, f"debian:{target.release}-slim does not run: {reason}")
    sources = select_release_sources({"debian.sources": answer.out}, target.release)
    return Apt(root, target.architecture, runner, env, prefix), sources


def make_container_prefix(target: LockTarget, root: Path, user: int, group: int) -> tuple[str, ...]:
    """``docker run`` of the release's small image; apt's private root is at the same path inside."""
    mount = f"type=bind,source={root},target={root}"
    return ("docker", "run", "--rm", "--user", f"{user}:{group}", "--mount", mount, f"debian:{target.release}-slim")


def _try_command(argv: tuple[str, ...], runner: Runner, env: Mapping[str, str]) -> ProcessResult:
    command = Command(argv, env=env, timeout=LOCK_LIMIT.read(env))
    try:
        return runner.run(command)
    except ToolMissingError as error:
        return ProcessResult(command, 127, "", error.message)
