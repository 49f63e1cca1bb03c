"""Paths and places as a person names them: relative to the project's folder, without logins."""

from __future__ import annotations

import os.path
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder.core.redact import mask_addresses

if TYPE_CHECKING:
    from builder.compose.model import Build, Project
    from builder.core.errors import Where


def format_compose_path(project: Project, path: str) -> str:
    """``path`` as a person writes it in the project's folder (``./dags``, ``../image``), so that it is right wherever
    the project is; absolute where a file says it so, addresses without the login that they may hold."""
    if not path.startswith("/"):
        return mask_addresses(path)
    relative = Path(os.path.relpath(path, project.files.directory)).as_posix()
    if not relative.startswith(".."):
        return relative if relative == "." else f"./{relative}"
    written = any(path.encode(errors="surrogateescape") in data for data in project.sources.values())
    return path if written else relative


def describe_dockerfile(project: Project, build: Build) -> str:
    """The file that is built, for a message."""
    if build.dockerfile_inline is not None:
        return f"an inline Dockerfile in {format_compose_path(project, build.context)}"
    path = build.dockerfile_path
    if path is None:
        return format_compose_path(project, build.context)
    return format_compose_path(project, path.as_posix())


def describe_build_source(project: Project, build: Build) -> str:
    """What is built, in a heading: a Dockerfile's path in the project's folder, and the target."""
    path = build.dockerfile_path
    if build.dockerfile_inline is not None:
        text = "a Dockerfile written in the compose file"
    elif path is None:
        text = mask_addresses(f"{build.dockerfile} of {build.context}")
    else:
        text = format_compose_path(project, path.as_posix()).removeprefix("./")
    return text if build.target is None else f"{text}, target {build.target}"


def format_relative_path(project: Project, path: Path) -> str:
    """The path relative to the project directory where it is inside, else as it is."""
    inside = os.path.relpath(path, project.files.directory)
    return str(path) if inside.startswith("..") else inside


def make_where_relative(project: Project, where: Where) -> Where:
    """The place of an error as a person names its file."""
    return replace(where, file=format_relative_path(project, project.files.directory / where.file))
