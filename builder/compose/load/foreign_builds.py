"""What makes the image of a service that has no ``build:``: the build of another service, a command in a comment of the
file, or what an earlier optimize remembers. So its Dockerfile is known also once the file builds it no more."""

from __future__ import annotations

import os.path
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.compose.load.builds import parse_build, parse_pairs
from builder.compose.load.interpolate import interpolate_text
from builder.core.image_reference import normalize_image_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.compose.model import Build, Project, ProjectFiles

COMMENT_PREFIX = "built by: "
"""Begins the comment; behind it is a command."""
_COMMENT = re.compile(rb"(?m)^[ \t]*#[ \t]*" + COMMENT_PREFIX.encode() + rb"(docker build [^\r\n]+)")
_OPTIONS = {"-t": "image", "-f": "dockerfile", "--target": "target", "--platform": "platform", "--build-arg": "args"}
"""Of `docker build`, as far as our comments have them."""


def fill_foreign_builds(project: Project, remembered: Mapping[str, Build]) -> Project:
    """The project whose services know what makes their image. ``remembered``: normalised image name → build; what the
    files say comes before it."""
    services = project.services
    built = {name: one.build for one in services.values() if one.build is not None for name in one.built_names}
    known = {**remembered, **dict(_iterate_commented_builds(project)), **built}
    filled = {
        name: replace(service, foreign_build=known[service.normalized_image_name])
        for name, service in services.items()
        if service.build is None and service.image is not None and service.normalized_image_name in known
    }
    return replace(project, services={**services, **filled}) if filled else project


def parse_remembered_build(files: ProjectFiles, raw: Mapping[str, Any], variables: Mapping[str, str]) -> Build | None:
    """A ``build:`` as Compose gives it without filling in ``variables``."""
    found = _fill_variables(raw, variables)
    if not isinstance(found, dict):
        return None
    return parse_build({**found, "context": _resolve_context(files, str(found.get("context") or "."))})


def _fill_variables(value: Any, variables: Mapping[str, str]) -> Any:
    match value:
        case str():
            return interpolate_text(value, variables)
        case list():
            return [_fill_variables(item, variables) for item in value]
        case dict():
            return {key: _fill_variables(item, variables) for key, item in value.items()}
        case _:
            return value


def _iterate_commented_builds(project: Project) -> Iterator[tuple[str, Build]]:
    """Normalised image name → build, for each command that can be read."""
    for data in project.sources.values():
        for command in _COMMENT.findall(data):
            if (found := _parse_command(project.files, command.decode("utf-8", "replace"))) is not None:
                yield found


def _parse_command(files: ProjectFiles, command: str) -> tuple[str, Build] | None:
    try:
        words = shlex.split(command)[2:]
    except ValueError:
        return None
    given: dict[str, list[str]] = {}
    while len(words) > 2 and words[0] in _OPTIONS:
        given.setdefault(_OPTIONS[words[0]], []).append(words[1])
        words = words[2:]
    if len(words) != 1 or len(given.get("image", ())) != 1:
        return None
    context = _resolve_context(files, words[0])
    dockerfile = given.get("dockerfile", [None])[0]
    if dockerfile is not None and context.startswith("/"):
        dockerfile = os.path.normpath(files.directory / dockerfile)
    build = parse_build(
        {
            "context": context,
            "dockerfile": dockerfile,
            "target": given.get("target", [None])[0],
            "args": parse_pairs(given.get("args", [])),
        },
        platform=given.get("platform", [None])[0],
    )
    return None if build is None else (normalize_image_name(given["image"][0]), build)


def _resolve_context(files: ProjectFiles, context: str) -> str:
    """The whole path of a folder; an address stays."""
    is_address = "://" in context or context.startswith(("git@", "github.com/"))
    return context if is_address else Path(os.path.normpath(files.directory / context)).as_posix()
