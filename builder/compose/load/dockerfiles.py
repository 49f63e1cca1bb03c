"""The Dockerfiles of a project's services, read and understood: one set of facts for each service that builds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder.airflow.images import is_airflow_image, version_in, version_of_image
from builder.airflow.variables import VERSION_VARIABLE
from builder.compose.services.products import product_of_image
from builder.compose.sharing.recipe_comment import shown_dockerfile
from builder.core.phrases import listed, verb
from builder.dockerfile.facts import Advice, DockerfileFacts, Installed, Pin
from builder.dockerfile.lint import advise
from builder.dockerfile.packages import ReadFile, content_of
from builder.dockerfile.parse import read_instructions
from builder.dockerfile.run_steps import runs_of
from builder.dockerfile.stages import chain_of, exec_form, pairs, stages_of, substitute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.compose.model import Build, Project
    from builder.dockerfile.stages import Stage

__all__ = ["Advice", "DockerfileFacts", "Installed", "Pin", "facts_of", "read_dockerfiles", "unread"]

MOST_INSTRUCTIONS = 1_000
"""An image has at most some hundred layers; what is longer was made to keep us busy."""
LARGEST_FILE = 1_000_000
"""Bytes. A Dockerfile or requirements file that is larger is not read."""


def read_dockerfiles(project: Project) -> Mapping[str, DockerfileFacts]:
    """Service → facts; a service that builds nothing, or whose Dockerfile cannot be read, is missing.

    Only the Dockerfile that the compose file names is read, and requirements files inside its build context.
    """
    known: dict[Build, DockerfileFacts | None] = {}
    found = {}
    for name, service in project.services.items():
        if service.build is None:
            continue
        if service.build not in known:
            known[service.build] = _read(service.build)
        facts = known[service.build]
        if facts is not None:
            found[name] = facts
    return found


def unread(project: Project, known: Mapping[str, DockerfileFacts]) -> tuple[str, ...]:
    """A note about Dockerfiles that are missing from ``known``: whether they make Airflow is a guess then."""
    builds = [one.build for one in project.services.values() if one.build is not None and one.name not in known]
    local = [build for build in builds if build.dockerfile_path is not None and "$" not in str(build.dockerfile_path)]
    paths = tuple(dict.fromkeys(shown_dockerfile(project, build) for build in local))
    if not paths:
        return ()
    return (f"{listed(paths)} {verb(paths, 'is', 'are')} not there or cannot be read: what is built there is a guess",)


def _read(build: Build) -> DockerfileFacts | None:
    path = build.dockerfile_path
    text = build.dockerfile_inline if path is None else _text(path)
    if text is None:
        return None
    try:
        return replace(facts_of(text, build, _inside(build.context)), path=path)
    except (ValueError, IndexError, KeyError, RecursionError):  # advice about a file that Docker will refuse anyway
        return None


def _text(path: Path) -> str | None:
    """None where there is no such regular file of a sensible size."""
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_FILE:
            return None
        return path.read_bytes().decode("utf-8-sig", errors="replace")
    except (OSError, ValueError):
        return None


def _inside(context: str) -> ReadFile:
    """A reader of files inside the build context; a link that leads out of it reads nothing."""

    def read(name: str) -> str | None:
        if not context.startswith("/") or "\0" in name:
            return None
        try:
            root = Path(context).resolve()
            path = (root / name.lstrip("/")).resolve()
        except (OSError, RuntimeError):  # a link that leads to itself; a name that no file system takes
            return None
        return _text(path) if path.is_relative_to(root) else None

    return read


def facts_of(text: str, build: Build, read: ReadFile = lambda _name: None) -> DockerfileFacts:
    """Pure: the facts of a Dockerfile's text for one build; ``read`` gives requirements files.

    Raises ValueError for one that is too long to be real.
    """
    given = {name: value for name, value in build.args if value is not None}
    instructions = read_instructions(text)
    if len(instructions) > MOST_INSTRUCTIONS:
        raise ValueError("more instructions than an image can have layers")
    stages = stages_of(instructions, given)
    chain = chain_of(stages, build.target)
    base = _base(chain, build)
    steps = runs_of(chain)
    content = content_of(chain, steps, read)
    environment = _environment(chain)
    product = product_of_image(base) if base else None
    own = (Installed(product.name, base, chain[0].line),) if product and base else ()
    pinned = next((pin.spec.removeprefix("==") for pin in content.pins if _pins_airflow(pin)), None)
    facts = DockerfileFacts(
        path=None,
        stages=stages,
        chain=chain,
        base=base,
        airflow=is_airflow_image(base) or any(pin.name.startswith("apache-airflow") for pin in content.pins),
        airflow_version=pinned or version_of_image(base) or version_in(environment.get(VERSION_VARIABLE)),
        installed=(*own, *content.servers),
        apt=content.packages,
        pins=content.pins,
        user=_last(chain, "USER"),
        command=_words(_last(chain, "CMD")),
        entrypoint=_words(_last(chain, "ENTRYPOINT")),
        has_health_check=(_last(chain, "HEALTHCHECK") or "NONE").upper() != "NONE",
        volumes=_volumes(chain),
        environment=environment,
        unread=content.unread,
    )
    return replace(facts, advice=advise(facts, steps, read))


def _pins_airflow(pin: Pin) -> bool:
    return pin.name == "apache-airflow" and version_in(pin.spec.removeprefix("==")) is not None


def _base(chain: tuple[Stage, ...], build: Build) -> str | None:
    if not chain:
        return None
    base = chain[0].base
    named = dict(build.additional_contexts).get(base, "")
    return named.removeprefix("docker-image://") if named.startswith("docker-image://") else base


def _environment(chain: tuple[Stage, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for stage in chain:
        for instruction in stage.instructions:
            if instruction.name == "ENV":
                known = {**dict(stage.arguments), **found}
                found |= {key: substitute(value or "", known) for key, value in pairs(instruction).items()}
    return found


def _last(chain: tuple[Stage, ...], name: str) -> str | None:
    values = [one.value.strip() for stage in chain for one in stage.instructions if one.name == name]
    return values[-1] if values else None


def _words(value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    argv = exec_form(value)
    return ("/bin/sh", "-c", value) if argv is None else argv


def _volumes(chain: tuple[Stage, ...]) -> tuple[str, ...]:
    values = [one.value for stage in chain for one in stage.instructions if one.name == "VOLUME"]
    return tuple(path for value in values for path in (exec_form(value) or tuple(value.split())))
