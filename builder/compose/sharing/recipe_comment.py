"""The comment that a rewritten file gets where no service builds the shared image: how it is made."""

from __future__ import annotations

import json
import os.path
import shlex
from typing import TYPE_CHECKING

from builder.compose.display import format_compose_path
from builder.compose.load.foreign_builds import COMMENT_PREFIX
from builder.core.phrases import choose_verb, join_names
from builder.core.redact import mask_addresses

if TYPE_CHECKING:
    from pathlib import Path

    from builder.compose.model import Build, Project, Service

_BY_OPTBUILD = f"{COMMENT_PREFIX}optbuild optimize --rebuild"


def format_spec_note(project: Project, folder: Path) -> str | None:
    """For an image that an optbuild.toml describes. None: the files take no comment. ``folder`` is free of symbolic
    links, which the project's own path may hold."""
    if _has_json_file(project):
        return None
    home = project.files.directory
    place = format_compose_path(project, os.path.normpath(home / os.path.relpath(folder, home.resolve())))
    words = ["optbuild", "build", *([] if place == "." else [place]), "--verify"]
    return f"{COMMENT_PREFIX}{shlex.join(words)}"


def format_build_note(project: Project, service: Service, image: str) -> str | None:
    """A command that builds the service's image by hand as ``image``, on one line; where no command says it all, the
    one of ours that remembers the build. None: the files take no comment."""
    if _has_json_file(project):
        return None
    if explain_incomplete_comment(project, service):
        return _BY_OPTBUILD
    return f"{COMMENT_PREFIX}{_format_build_command(project, service, image)}"


def extract_manual_command(note: str | None) -> str | None:
    """The command of a note that works on any machine; None: only the machine that made the image remembers how."""
    return None if note is None or note == _BY_OPTBUILD else note.removeprefix(COMMENT_PREFIX)


def explain_incomplete_comment(project: Project, service: Service) -> str:
    """Why no comment can keep the whole recipe of the service's image; empty: one can.

    A `docker build` on one line cannot say everything, and must not show what a variable or a login holds.
    """
    if _has_json_file(project):
        return "a JSON file takes no comment"
    build = service.build
    if build is None:
        return "no service here builds it"
    if keys := [*_list_unsupported_keys(build), *_find_variable_keys(service.raw_build)]:
        return f"{join_names(keys)} {choose_verb(keys, 'does', 'do')} not fit into one `docker build` command"
    if mask_addresses(build.context) != build.context:
        return "the address of its context holds a login"
    if not _format_build_command(project, service, "").isprintable():
        return "its values cannot be written in one line"
    return ""


def list_unwritten_arguments(service: Service) -> tuple[str, ...]:
    """Build arguments with a value that the file does not say, so that no comment may: a variable may hold a secret."""
    build = service.build
    literal = _collect_literal_arguments(service)
    return tuple(name for name, value in (build.args if build else ()) if value is not None and name not in literal)


def _collect_literal_arguments(service: Service) -> dict[str, str]:
    raw = dict(service.raw_build.args) if service.raw_build is not None else {}
    written = {name for name, value in raw.items() if value is not None and "$" not in value}
    args = service.build.args if service.build is not None else ()
    return {name: value for name, value in args if value is not None and name in written}


def _has_json_file(project: Project) -> bool:
    """Whether one of the files is JSON, which a comment would break."""
    return any(_is_json_object(data) for data in project.sources.values())


def _is_json_object(data: bytes) -> bool:
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return False
    try:
        json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return True


def _list_unsupported_keys(build: Build) -> list[str]:
    keys = ("dockerfile_inline", "secrets", "additional_contexts")
    return [f"`{key}`" for key in (*(key for key in keys if getattr(build, key)), *(key for key, _ in build.other))]


def _find_variable_keys(raw: Build | None) -> list[str]:
    if raw is None:
        return []
    texts = {"context": raw.context, "dockerfile": raw.dockerfile, "target": raw.target or ""}
    texts |= {"platform": " ".join(raw.platforms)}
    return [f"a variable in `{key}`" for key, text in texts.items() if "$" in text]


def _format_build_command(project: Project, service: Service, image: str) -> str:
    """Arguments with their values where the file says them, else by name."""
    build = service.build
    if build is None:
        return ""
    words = ["docker", "build", "-t", image]
    local, context = build.context.startswith("/"), format_compose_path(project, build.context)
    path = build.dockerfile_path
    if local and path is not None and build.dockerfile != "Dockerfile":
        file = path.as_posix()
        words += ["-f", file if context.startswith("/") else format_compose_path(project, file).removeprefix("./")]
    elif not local and build.dockerfile != "Dockerfile":
        words += ["-f", build.dockerfile]
    if build.target is not None:
        words += ["--target", build.target]
    for platform in (service.platform,) if service.platform else build.platforms:
        words += ["--platform", platform]
    literal = _collect_literal_arguments(service)
    for name, _value in build.args:
        words += ["--build-arg", f"{name}={literal[name]}" if name in literal else name]
    return shlex.join([*words, context])
