"""What a Dockerfile says of the image it makes: base, environment, entrypoint, packages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from builder.airflow.images import is_airflow_image, parse_image_series, parse_image_version, parse_tag_version
from builder.airflow.variables import VERSION_VARIABLE
from builder.dockerfile.facts import DockerfileAnalysis, InstalledServer, Pin
from builder.dockerfile.files import collect_build_files
from builder.dockerfile.lint import lint_dockerfile
from builder.dockerfile.lint_subject import LintSubject
from builder.dockerfile.packages import collect_packages
from builder.dockerfile.parse import read_instructions
from builder.dockerfile.run_steps import list_run_steps
from builder.dockerfile.stages import (
    find_stage_chain,
    list_feeding_stages,
    parse_assignments,
    parse_exec_form,
    parse_stages,
    substitute_variables,
)
from builder.products.find import find_by_image

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.dockerfile.facts import BuildInputs
    from builder.dockerfile.files import ReadFile
    from builder.dockerfile.stages import Stage


FindParent = Callable[[str], DockerfileAnalysis | None]
"""A name behind FROM → the facts of the build that makes it; None: no build of the project does."""
_IMAGE = "docker-image://"
_SERVICE = "service:"
"""What an additional context of a build may be; all else is a folder or an address."""
MOST_INSTRUCTIONS = 1_000
"""An image has at most some hundred layers; what is longer was made to keep us busy."""


def analyze_dockerfile(
    text: str,
    build: BuildInputs,
    read: ReadFile = lambda _name: None,
    find_parent: FindParent = lambda _name: None,
    contexts: Mapping[str, ReadFile] | None = None,
) -> DockerfileAnalysis:
    """Pure: the facts of a Dockerfile's text for one build. ``read`` gives requirements files, ``contexts`` those of
    named contexts that are folders; ``find_parent`` knows the images that other builds of the project make.

    Raises ValueError for one that is too long to be real.
    """
    given = {name: value for name, value in build.args if value is not None}
    instructions = read_instructions(text)
    if len(instructions) > MOST_INSTRUCTIONS:
        raise ValueError("more instructions than an image can have layers")
    stages = parse_stages(instructions, given, find_parent)
    chain = find_stage_chain(stages, build.target)
    parent = find_parent(chain[0].base) if chain else None
    base = _resolve_base(chain, build)
    steps = list_run_steps(chain, {} if parent is None else parent.environment)
    files = collect_build_files(stages, chain, read, contexts or {}, None if parent is None else parent.files)
    content = collect_packages(steps, files)
    sources = [
        collect_packages(list_run_steps((stage,)), collect_build_files(stages, own, read, contexts or {}))
        for stage in list_feeding_stages(stages, chain)
        for own in (find_stage_chain(stages, str(stage.index)),)
    ]
    others = (*content.others, *(pin for one in sources for pin in (*one.pins, *one.others)))
    python = (*content.pins, *others)
    environment = _collect_environment(chain, parent)
    product = find_by_image(base) if base else None
    own = (InstalledServer(product.name, base, chain[0].line),) if product and base else ()
    version = _find_version(python, base, environment, parent)
    command, entrypoint = _find_start(chain, parent)
    facts = DockerfileAnalysis(
        path=None,
        chain=chain,
        base=base,
        airflow=_has_airflow(base, python, parent),
        airflow_version=version,
        airflow_series=".".join(version.split(".")[:2]) if version else _find_series(base, parent),
        installed=(*own, *content.servers),
        apt=content.packages,
        pins=content.pins,
        user=_find_last_value(chain, "USER") or (parent.user if parent else None),
        command=command,
        entrypoint=entrypoint,
        has_health_check=_has_health_check(chain, parent),
        volumes=(*(parent.volumes if parent else ()), *_collect_volumes(chain)),
        environment=environment,
        stages=stages,
        other_pins=others,
        parent=parent,
        files=files,
        unread=(
            *content.unread,
            *(name for one in sources for name in one.unread),
            *(parent.unread if parent else ()),
        ),
    )
    own_steps = tuple(step for step in steps if not step.run.inherited)
    return replace(facts, advice=lint_dockerfile(LintSubject(facts, own_steps, text)))


def _has_airflow(base: str | None, pins: tuple[Pin, ...], parent: DockerfileAnalysis | None) -> bool:
    installed = any(pin.name.startswith("apache-airflow") for pin in pins)
    return installed or (is_airflow_image(base) if parent is None else parent.airflow)


def _find_version(
    pins: tuple[Pin, ...], base: str | None, environment: Mapping[str, str], parent: DockerfileAnalysis | None
) -> str | None:
    pinned = next((pin.spec.removeprefix("==") for pin in pins if _is_airflow_pin(pin)), None)
    below = parse_image_version(base) if parent is None else parent.airflow_version
    return pinned or below or parse_tag_version(environment.get(VERSION_VARIABLE))


def _find_series(base: str | None, parent: DockerfileAnalysis | None) -> str | None:
    return parse_image_series(base) if parent is None else parent.airflow_series


def _find_start(
    chain: tuple[Stage, ...], parent: DockerfileAnalysis | None
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """CMD and ENTRYPOINT. An ENTRYPOINT of its own clears the CMD of the image below (Dockerfile reference)."""
    command, entrypoint = (_parse_command(_find_last_value(chain, name)) for name in ("CMD", "ENTRYPOINT"))
    if parent is None or entrypoint is not None:
        return command, entrypoint
    return (parent.command if command is None else command), parent.entrypoint


def _has_health_check(chain: tuple[Stage, ...], parent: DockerfileAnalysis | None) -> bool:
    own = _find_last_value(chain, "HEALTHCHECK")
    if own is None:
        return parent is not None and parent.has_health_check
    return own.upper() != "NONE"


def _is_airflow_pin(pin: Pin) -> bool:
    return pin.name == "apache-airflow" and parse_tag_version(pin.spec.removeprefix("==")) is not None


def _resolve_base(chain: tuple[Stage, ...], build: BuildInputs) -> str | None:
    if not chain:
        return None
    base = chain[0].base
    named = dict(build.additional_contexts).get(base)
    if named is None or named.startswith(_SERVICE):
        return base
    return named.removeprefix(_IMAGE) if named.startswith(_IMAGE) else None


def _collect_environment(chain: tuple[Stage, ...], parent: DockerfileAnalysis | None) -> dict[str, str]:
    found: dict[str, str] = dict(parent.environment) if parent else {}
    for stage in chain:
        for instruction in stage.instructions:
            if instruction.name == "ENV":
                known = {**dict(stage.arguments), **found}
                found |= {
                    key: substitute_variables(value or "", known)
                    for key, value in parse_assignments(instruction).items()
                }
    return found


def _find_last_value(chain: tuple[Stage, ...], name: str) -> str | None:
    values = [one.value.strip() for stage in chain for one in stage.instructions if one.name == name]
    return values[-1] if values else None


def _parse_command(value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    argv = parse_exec_form(value)
    return ("/bin/sh", "-c", value) if argv is None else argv


def _collect_volumes(chain: tuple[Stage, ...]) -> tuple[str, ...]:
    values = [one.value for stage in chain for one in stage.instructions if one.name == "VOLUME"]
    return tuple(path for value in values for path in (parse_exec_form(value) or tuple(value.split())))
