"""The comment that a rewritten file gets where no service builds the shared image: how it is made."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.compose.model import Build, Project

_BY_OPTBUILD = "built by: optbuild optimize --rebuild"


def shown_path(project: Project, path: str) -> str:
    """``path`` as a person writes it in the project's folder (``./dags``); addresses and far away folders as is."""
    if not path.startswith("/"):
        return path
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
        return build.context
    return shown_path(project, path.as_posix())


def spec_note(project: Project, folder: Path) -> str:
    """For an image that an optbuild.toml describes."""
    place = shown_path(project, folder.as_posix())
    words = ["optbuild", "build", *([] if place == "." else [place]), "--verify"]
    return f"built by: {shlex.join(words)}"


def build_note(project: Project, build: Build, image: str, platform: str | None) -> str:
    """A command that builds ``image`` by hand, on one line. Arguments by name: their values may be secret.

    Where a command line cannot say it all (secrets, SSH keys, labels, an inline Dockerfile), the command of ours that
    remembers the build.
    """
    if build.dockerfile_inline is not None or build.secrets or build.other or build.additional_contexts:
        return _BY_OPTBUILD
    note = f"built by: {shlex.join(_docker_build(project, build, image, platform))}"
    return note if note.isprintable() else _BY_OPTBUILD


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
