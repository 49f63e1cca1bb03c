"""The comment that a rewritten file gets where no service builds the shared image: how it is made."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.compose.model import Build, Project, Service

_PREFIX = "built by: "
_BY_OPTBUILD = f"{_PREFIX}optbuild optimize --rebuild"
_LOGIN = re.compile(r"(?<=://)[^/@\s]*@")
"""User and password in an address."""


def shown_path(project: Project, path: str) -> str:
    """``path`` as a person writes it in the project's folder (``./dags``); far away folders as they are, addresses
    without the login that they may hold."""
    if not path.startswith("/"):
        return _LOGIN.sub("***@", path)
    try:
        relative = Path(path).relative_to(project.files.directory).as_posix()
    except ValueError:
        return path
    return relative if relative == "." else f"./{relative}"


def shown_dockerfile(project: Project, build: Build) -> str:
    """The file that is built, for a message."""
    if build.dockerfile_inline is not None:
        return f"an inline Dockerfile in {shown_path(project, build.context)}"
    path = build.dockerfile_path
    if path is None:
        return shown_path(project, build.context)
    return shown_path(project, path.as_posix())


def spec_note(project: Project, folder: Path) -> str:
    """For an image that an optbuild.toml describes."""
    place = shown_path(project, folder.as_posix())
    words = ["optbuild", "build", *([] if place == "." else [place]), "--verify"]
    return f"{_PREFIX}{shlex.join(words)}"


def build_note(project: Project, service: Service, image: str) -> str:
    """A command that builds the service's image by hand as ``image``, on one line.

    Arguments by name: their values may be secret. Where a command line cannot say it all (SSH keys, labels, an inline
    Dockerfile), or would show what a variable holds, the command of ours that remembers the build.
    """
    build = service.build
    if build is None or _beyond_words(build) or _has_variables(service.raw_build) or _LOGIN.search(build.context):
        return _BY_OPTBUILD
    note = f"{_PREFIX}{shlex.join(_docker_build(project, build, image, service.platform))}"
    return note if note.isprintable() else _BY_OPTBUILD


def by_hand(note: str | None) -> str | None:
    """The command of a note that works on any machine; None: only the machine that made the image remembers how."""
    return None if note is None or note == _BY_OPTBUILD else note.removeprefix(_PREFIX)


def _beyond_words(build: Build) -> bool:
    return bool(build.dockerfile_inline is not None or build.secrets or build.other or build.additional_contexts)


def _has_variables(raw: Build | None) -> bool:
    return raw is not None and any("$" in text for text in (raw.context, raw.dockerfile, raw.target or ""))


def _docker_build(project: Project, build: Build, image: str, platform: str | None) -> list[str]:
    words = ["docker", "build", "-t", image]
    local = build.context.startswith("/")
    path = build.dockerfile_path
    if local and path is not None and build.dockerfile != "Dockerfile":
        words += ["-f", shown_path(project, path.as_posix()).removeprefix("./")]
    elif not local and build.dockerfile != "Dockerfile":
        words += ["-f", build.dockerfile]
    if build.target is not None:
        words += ["--target", build.target]
    if platform is not None:
        words += ["--platform", platform]
    for name, _value in build.args:
        words += ["--build-arg", name]
    return [*words, shown_path(project, build.context)]
