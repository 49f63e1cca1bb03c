"""What a Dockerfile says of the image it makes: base, environment, entrypoint, packages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.airflow.images import is_airflow_image, parse_image_series, parse_image_version, parse_tag_version
from builder.airflow.variables import VERSION_VARIABLE
from builder.dockerfile.facts import DockerfileAnalysis, InstalledServer, Pin
from builder.dockerfile.files import collect_build_files
from builder.dockerfile.lint import lint_dockerfile
from builder.dockerfile.packages import collect_packages
from builder.dockerfile.parse import read_instructions
from builder.dockerfile.run_steps import list_run_steps
from builder.dockerfile.stages import (
    find_stage_chain,
    parse_assignments,
    parse_exec_form,
    parse_stages,
    substitute_variables,
)
from builder.products.find import find_by_image

if TYPE_CHECKING:
    from builder.dockerfile.facts import BuildInputs
    from builder.dockerfile.files import ReadFile
    from builder.dockerfile.stages import Stage


MOST_INSTRUCTIONS = 1_000
"""An image has at most some hundred layers; what is longer was made to keep us busy."""


def analyze_dockerfile(text: str, build: BuildInputs, read: ReadFile = lambda _name: None) -> DockerfileAnalysis:
    """Pure: the facts of a Dockerfile's text for one build; ``read`` gives requirements files.

    Raises ValueError for one that is too long to be real.
    """
    given = {name: value for name, value in build.args if value is not None}
    instructions = read_instructions(text)
    if len(instructions) > MOST_INSTRUCTIONS:
        raise ValueError("more instructions than an image can have layers")
    chain = find_stage_chain(parse_stages(instructions, given), build.target)
    base = _resolve_base(chain, build)
    steps = list_run_steps(chain)
    files = collect_build_files(chain, read)
    content = collect_packages(steps, files)
    environment = _collect_environment(chain)
    product = find_by_image(base) if base else None
    own = (InstalledServer(product.name, base, chain[0].line),) if product and base else ()
    pinned = next((pin.spec.removeprefix("==") for pin in content.pins if _is_airflow_pin(pin)), None)
    version = pinned or parse_image_version(base) or parse_tag_version(environment.get(VERSION_VARIABLE))
    facts = DockerfileAnalysis(
        path=None,
        chain=chain,
        base=base,
        airflow=is_airflow_image(base) or any(pin.name.startswith("apache-airflow") for pin in content.pins),
        airflow_version=version,
        airflow_series=".".join(version.split(".")[:2]) if version else parse_image_series(base),
        installed=(*own, *content.servers),
        apt=content.packages,
        pins=content.pins,
        user=_find_last_value(chain, "USER"),
        command=_parse_command(_find_last_value(chain, "CMD")),
        entrypoint=_parse_command(_find_last_value(chain, "ENTRYPOINT")),
        has_health_check=(_find_last_value(chain, "HEALTHCHECK") or "NONE").upper() != "NONE",
        volumes=_collect_volumes(chain),
        environment=environment,
        files=files,
        unread=content.unread,
    )
    return replace(facts, advice=lint_dockerfile(facts, steps))


def _is_airflow_pin(pin: Pin) -> bool:
    return pin.name == "apache-airflow" and parse_tag_version(pin.spec.removeprefix("==")) is not None


def _resolve_base(chain: tuple[Stage, ...], build: BuildInputs) -> str | None:
    if not chain:
        return None
    base = chain[0].base
    named = dict(build.additional_contexts).get(base, "")
    return named.removeprefix("docker-image://") if named.startswith("docker-image://") else base


def _collect_environment(chain: tuple[Stage, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
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
