"""What a Dockerfile says of the image it makes: base, environment, entrypoint, packages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.airflow.images import is_airflow_image, version_in, version_of_image
from builder.airflow.variables import VERSION_VARIABLE
from builder.dockerfile.facts import DockerfileFacts, Installed, Pin
from builder.dockerfile.lint import advise
from builder.dockerfile.packages import ReadFile, content_of
from builder.dockerfile.parse import read_instructions
from builder.dockerfile.run_steps import runs_of
from builder.dockerfile.stages import chain_of, exec_form, pairs, stages_of, substitute
from builder.products.find import find_by_image

if TYPE_CHECKING:
    from builder.dockerfile.facts import BuildInputs
    from builder.dockerfile.stages import Stage


MOST_INSTRUCTIONS = 1_000
"""An image has at most some hundred layers; what is longer was made to keep us busy."""


def facts_of(text: str, build: BuildInputs, read: ReadFile = lambda _name: None) -> DockerfileFacts:
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
    product = find_by_image(base) if base else None
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


def _base(chain: tuple[Stage, ...], build: BuildInputs) -> str | None:
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
