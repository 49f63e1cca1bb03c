"""Files → project: what Compose answers about them, and the bytes they consist of."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from builder.compose.load.config import load_config
from builder.compose.load.interpolate import interpolate_text, read_project_variables
from builder.compose.load.services import parse_service
from builder.compose.load.source_files import index_named_files, walk_sources
from builder.compose.model import Project
from builder.core.process import end_children

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from builder.compose.load.config import ConfigResult
    from builder.compose.model import ProjectFiles
    from builder.core.process import Runner
    from builder.engine.compose import ComposeCli

_BARE = re.compile(rb"(?<!\$)\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
"""A variable without a default."""
_NAMES = ("image", "build", "platform", "container_name", "pull_policy")
"""What is looked for by name, and so has to be filled in by us where Compose does not."""


def read_project(files: ProjectFiles, cli: ComposeCli, runner: Runner, env: Mapping[str, str]) -> Project:
    """The project in these files. ``cli`` may be a guess, see :func:`builder.compose.load.config.load_config`.

    Raises ComposeError for files that Compose refuses or that cannot be read safely, ComposeMissingError.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        asked = pool.submit(load_config, files, cli, runner, env)
        try:
            sources = tuple(walk_sources(files, env, {}))  # while Compose reads them too
        except BaseException:
            end_children(asked.done, grace=0)  # what cannot be read here may keep Compose busy for long
            raise
        answers = asked.result()
    variables = {} if answers.resolved else read_project_variables(files, env)
    project = make_project(files, answers, {source.path: source.data for source in sources}, variables)
    unset = frozenset() if answers.resolved else find_unset_variables(project.sources, variables)
    return replace(project, meanings=index_named_files(sources), unset_variables=unset)


def find_unset_variables(sources: Mapping[Path, bytes], variables: Mapping[str, str]) -> frozenset[str]:
    """The variables without a default that have no value; also those of comments: rather one too many."""
    named = {name.decode() for data in sources.values() for pair in _BARE.findall(data) for name in pair if name}
    return frozenset(named - {name for name, value in variables.items() if value})


def make_project(
    files: ProjectFiles,
    answers: ConfigResult,
    sources: Mapping[Path, bytes],
    variables: Mapping[str, str] | None = None,
) -> Project:
    """The answers as values. Where Compose only gave the raw one, ``variables`` fill in names and builds."""
    answer = answers.resolved or answers.raw or {}
    raw = (answers.raw or {}).get("services") or {}
    project = str(answer.get("name") or files.name or files.directory.name)
    services = {}
    for name, found in sorted((answer.get("services") or {}).items()):
        known = found or {}
        if answers.resolved is None and variables is not None:
            known = {**known, **{key: _interpolate_value(known[key], variables) for key in _NAMES if key in known}}
        services[name] = parse_service(name, known, raw.get(name), project)
    return Project(
        files=files,
        name=project,
        services=services,
        sources=sources,
        resolved=answers.resolved,
        raw=answers.raw,
        complaints=answers.complaints,
    )


def _interpolate_value(value: Any, variables: Mapping[str, str]) -> Any:
    match value:
        case str():
            return interpolate_text(value, variables)
        case dict():
            return {key: _interpolate_value(item, variables) for key, item in value.items()}
        case list():
            return [_interpolate_value(item, variables) for item in value]
        case _:
            return value
