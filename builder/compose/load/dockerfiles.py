"""The Dockerfiles of a project's services, read and understood: one set of facts for each service that builds."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from builder.compose.display import describe_dockerfile
from builder.core.image_reference import normalize_image_name
from builder.core.phrases import choose_verb, join_names
from builder.dockerfile.analysis import analyze_dockerfile
from builder.dockerfile.requirements import decode_requirements

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.compose.model import Build, Project
    from builder.dockerfile.analysis import FindParent
    from builder.dockerfile.facts import DockerfileAnalysis
    from builder.dockerfile.files import ReadFile

LARGEST_FILE = 1_000_000
"""Bytes. A Dockerfile or requirements file that is larger is not read."""


def read_dockerfiles(project: Project) -> Mapping[str, DockerfileAnalysis]:
    """Service → facts; one whose image is not made here, or whose Dockerfile cannot be read, is missing.

    Only the Dockerfile that the compose file names is read, and requirements files inside its build context. What it
    builds on may be the image of another service: by its name, or as a named context (``service:NAME``).
    """
    reader = _DockerfileReader(project)
    builds = {name: service.image_build for name, service in project.services.items()}
    found = {name: reader.analyze(build) for name, build in builds.items() if build is not None}
    return {name: facts for name, facts in found.items() if facts is not None}


class _DockerfileReader:
    """Reads each build once, the ones that it builds on before it."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._known: dict[Build, DockerfileAnalysis | None] = {}
        self._open: list[Build] = []
        """What is being read: a circle of builds, which Docker refuses, ends here."""

    def analyze(self, build: Build) -> DockerfileAnalysis | None:
        if build not in self._known:
            self._open.append(build)
            self._known[build] = _read_dockerfile(build, lambda name: self._find_parent(build, name))
            self._open.pop()
        return self._known[build]

    def _find_parent(self, build: Build, name: str) -> DockerfileAnalysis | None:
        below = self._find_build(dict(build.additional_contexts).get(name, f"docker-image://{name}"))
        return None if below is None or below in self._open else self.analyze(below)

    def _find_build(self, context: str) -> Build | None:
        """The build that makes what a named context stands for."""
        kind, _, name = context.partition(":")
        if kind == "service":
            service = self._project.services.get(name)
            return service.image_build if service is not None else None
        if kind != "docker-image" or "$" in name:
            return None
        return self._builds_by_image.get(normalize_image_name(name.removeprefix("//")))

    @cached_property
    def _builds_by_image(self) -> dict[str, Build]:
        services = self._project.services.values()
        foreign = {one.normalized_image_name: one.foreign_build for one in services if one.foreign_build is not None}
        return {**foreign, **{name: one.build for one in services if one.build is not None for name in one.built_names}}


def describe_unread_dockerfiles(project: Project, known: Mapping[str, DockerfileAnalysis]) -> tuple[str, ...]:
    """A note about Dockerfiles that are missing from ``known``: whether they make Airflow is a guess then."""
    builds = [one.build for one in project.services.values() if one.build is not None and one.name not in known]
    local = [build for build in builds if build.dockerfile_path is not None and "$" not in str(build.dockerfile_path)]
    paths = tuple(dict.fromkeys(describe_dockerfile(project, build) for build in local))
    if not paths:
        return ()
    return (
        (
            f"{join_names(paths)} {choose_verb(paths, 'is', 'are')} missing or cannot be read: optbuild can only "
            "guess what it builds"
        ),
    )


def _read_dockerfile(build: Build, find_parent: FindParent) -> DockerfileAnalysis | None:
    path = build.dockerfile_path
    inline = build.dockerfile_inline
    text = _read_text(path) if path is not None else inline and inline.replace("$$", "$")  # as Compose answers it
    if text is None:
        return None
    try:
        named = dict(build.additional_contexts).items()
        folders = {name: _make_context_reader(context) for name, context in named if context.startswith("/")}
        facts = analyze_dockerfile(text, build, _make_context_reader(build.context), find_parent, folders)
        return replace(facts, path=path)
    except (ValueError, IndexError, KeyError, RecursionError):  # advice about a file that Docker will refuse anyway
        return None


def _read_bytes(path: Path) -> bytes | None:
    """None where there is no such regular file of a sensible size."""
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_FILE:
            return None
        return path.read_bytes()
    except (OSError, ValueError):
        return None


def _read_text(path: Path) -> str | None:
    data = _read_bytes(path)
    return None if data is None else data.decode("utf-8-sig", errors="replace")


def _make_context_reader(context: str) -> ReadFile:
    """A reader of files inside the build context; a link that leads out of it reads nothing."""

    def read(name: str) -> str | None:
        if not context.startswith("/") or "\0" in name:
            return None
        try:
            root = Path(context).resolve()
            path = (root / name.lstrip("/")).resolve()
        except (OSError, RuntimeError):  # a link that leads to itself; a name that no file system takes
            return None
        data = _read_bytes(path) if path.is_relative_to(root) else None
        return None if data is None else decode_requirements(data)

    return read
