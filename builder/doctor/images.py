"""The images that other registries have: whether they are here, or could be pulled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.core.naming import SQLITE
from builder.doctor.model import GET_AN_ENGINE, FindingState, MachineFinding, find_reason

if TYPE_CHECKING:
    from builder.core.process import ProcessResult
    from builder.doctor.model import ProbeContext

REGISTRY_SECONDS = 2.5
NO_ANSWER = f"its registry did not answer within {REGISTRY_SECONDS:g} s"


def check_registry(machine: ProbeContext) -> MachineFinding:
    """Whether the image of ``verify.database`` is here, or could be pulled."""
    name, image = "registry", machine.database
    if not machine.has("docker"):
        return MachineFinding(name, FindingState.WARNING, "not asked: docker is not on PATH", GET_AN_ENGINE)
    if image == SQLITE:
        return MachineFinding(name, FindingState.OK, "not needed: verify.database is sqlite")
    reached = inspect_manifest(machine, image)
    if can_be_pulled(reached):
        return MachineFinding(name, FindingState.OK, f"{image} can be pulled")
    if is_here(machine, image):
        return MachineFinding(name, FindingState.OK, f"not reachable, and not needed: {image} is here already")
    reason = find_reason(reached) if reached else NO_ANSWER
    advice = "nothing needs to be done: `optbuild verify` makes a PostgreSQL from Debian's packages and uses that"
    return MachineFinding(name, FindingState.WARNING, f"{image} cannot be pulled: {reason}", advice)


def check_base_image(machine: ProbeContext) -> MachineFinding:
    """Whether the image that ``[base]`` names is here, or could be pulled: a lock reads it, a build stands on it."""
    name, image = "base image", machine.base_image
    if not machine.has("docker"):
        return MachineFinding(name, FindingState.WARNING, "not asked: docker is not on PATH", GET_AN_ENGINE)
    if is_here(machine, image):
        return MachineFinding(name, FindingState.OK, f"{image} is here")
    reached = inspect_manifest(machine, image)
    if can_be_pulled(reached):
        return MachineFinding(name, FindingState.OK, f"{image} can be pulled")
    if reached is None:  # a slow registry serves too: what is not known is not missing
        found = f"{image} is not here, and {NO_ANSWER}: nobody knows whether it can be pulled"
        return MachineFinding(name, FindingState.WARNING, found, f"`docker pull {image}` says whether it can be had")
    advice = f"`docker login` where it asks for one, then `docker pull {image}`; or name another image in [base]"
    found = f"{image} is not here and cannot be pulled: {find_reason(reached)}"
    return MachineFinding(name, FindingState.MISSING, found, advice)


def inspect_manifest(machine: ProbeContext, image: str) -> ProcessResult | None:
    """What the image's registry says of it; nothing is pulled."""
    return machine.ask("docker", "buildx", "imagetools", "inspect", image, timeout=REGISTRY_SECONDS)


def can_be_pulled(answer: ProcessResult | None) -> bool:
    return answer is not None and answer.ok


def is_here(machine: ProbeContext, image: str) -> bool:
    answer = machine.ask("docker", "image", "inspect", "--format", "{{.Id}}", image)
    return answer is not None and answer.ok
