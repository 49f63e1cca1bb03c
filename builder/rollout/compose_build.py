"""The shared image from the project's own Dockerfile, built once: by Compose itself, so that arguments, secrets, SSH
and contexts mean what they mean there. Only the name of the result is another: nothing that runs moves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from builder.core.errors import BuildFailedError, ComposeError
from builder.core.image_reference import split_image_name
from builder.core.limits import BUILD_LIMIT
from builder.core.redact import mask_output
from builder.rollout.containers import make_compose_command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from builder.compose.model import Project, ProjectFiles, SharedTarget
    from builder.core.process import Command, Runner
    from builder.core.progress import Progress
    from builder.rollout.journal import Recipe

LOG_LINES = 30
CANDIDATE = "optbuild-"
"""Begins the tag of an image that is not proven yet."""


@dataclass(frozen=True)
class ComposeBuild:
    """One image to build. ``build`` None: the service's own, from the files."""

    target: SharedTarget
    candidate: str
    service: str
    build: Mapping[str, Any] | None = field(default=None, repr=False)
    tags: tuple[str, ...] = ()
    """Further names that this build moves (``build.tags``)."""


def format_candidate_name(image: str, run: str) -> str:
    """``NAME:optbuild-<run>``."""
    return f"{split_image_name(image)[0]}:{CANDIDATE}{run}"


def find_compose_build(project: Project, target: SharedTarget, recipe: Recipe | None, run: str) -> ComposeBuild | None:
    """How to build a target's image; None: nothing says how (nobody builds it, or the way is not known any more)."""
    candidate = format_candidate_name(target.image, run)
    names = (target.builder, *target.services) if target.builder else target.services
    for name in names:
        service = project.services.get(name)
        if service is not None and service.build is not None:
            return ComposeBuild(target, candidate, name, tags=service.build.tags)
    if recipe is None or recipe.service is None or recipe.build is None:
        return None
    return ComposeBuild(target, candidate, recipe.service, recipe.build, tuple(recipe.build.get("tags") or ()))


def find_raw_build(project: Project, service: str) -> Mapping[str, Any] | None:
    """A service's ``build:`` before interpolation; None where Compose could not say it, or there is none."""
    answer = (project.raw or {}).get("services", {}).get(service) or {}
    found = answer.get("build")
    return found if isinstance(found, dict) else None


def format_overlay(making: ComposeBuild) -> bytes:
    """One more compose file: the candidate's name, and the build where the files lost it. JSON is YAML."""
    service = {"image": making.candidate} | ({} if making.build is None else {"build": making.build})
    return json.dumps({"services": {making.service: service}}).encode()


def make_build_command(
    cli: tuple[str, ...],
    files: ProjectFiles,
    making: ComposeBuild,
    *,
    overlay: Path,
    env: Mapping[str, str],
    run: str,
    no_cache: bool,
) -> Command:
    """``docker compose build SERVICE``, its output in plain lines."""
    words = ("build", *(("--no-cache",) if no_cache else ()), "--", making.service)
    return make_compose_command(
        (*cli, "--progress", "plain"), files, words, env, run, limit=BUILD_LIMIT, overlay=overlay
    )


def run_build(
    command: Command, making: ComposeBuild, runner: Runner, progress: Progress, hidden: tuple[str, ...]
) -> float:
    """Build; the seconds it took. Raises BuildFailedError with the end of the build's own words."""
    lines: list[str] = []
    with progress.task(f"building {making.candidate} from the service {making.service}") as task:

        def take(line: str) -> None:
            shown = mask_output(line, hidden)
            lines.append(shown)
            del lines[:-LOG_LINES]
            task.update(detail=shown[:80])

        result = runner.run(command, on_out=take, on_err=take)
        task.update(detail="")
    if not result.ok:
        reason = f"`docker compose build {making.service}` ended with {result.code}"
        raise BuildFailedError(None, reason, tuple(lines))
    return result.elapsed


def make_missing_image_error(target: SharedTarget) -> ComposeError:
    """The image is not here, and nothing says how to make it."""
    again = "`docker compose pull`" if target.pull_policy is None else "`optbuild rollback`, then `optbuild optimize`"
    return ComposeError(
        f"the image {target.image} is not on this engine, and no service in the files builds it",
        hint=f"{again} brings it back",
    )
