"""What sets the programs of a project apart, aspect by aspect, filled in for the services at hand (OB104)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.airflow.commands import GROUPS
from builder.airflow.find import find_started_role
from builder.airflow.images import parse_image_version
from builder.airflow.releases import SCHEDULER
from builder.compose.services.start_commands import parse_start_command, substitute_image_defaults
from builder.core.phrases import format_short_list

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from builder.compose.model import Service
    from builder.compose.sharing.groups import ServiceGroup
    from builder.dockerfile.facts import DockerfileAnalysis
    from builder.products.model import Product

ASPECTS = (
    "source code",
    "Python dependencies",
    "system libraries",
    "configuration",
    "entry point",
    "language",
    "purpose",
    "resources",
    "scaling",
    "life cycle",
)
SHOWN = 4
"""Names that are listed; the rest is counted."""


def describe_product(product: Product, service: Service) -> tuple[str, ...]:
    """One text for each aspect, in their order."""
    known = product.traits
    image = substitute_image_defaults(service)
    python = "its own, with its own pins" if product.language == "Python" else "none: it is not a Python program"
    return (
        f"the {product.name} project's" + (f", as {image}" if image and service.build is None else ""),
        python,
        known.libraries,
        known.configuration,
        known.entry,
        product.language,
        product.purpose,
        known.resources,
        known.scaling,
        known.life,
    )


def describe_airflow(group: ServiceGroup, facts: DockerfileAnalysis | None) -> tuple[str, ...]:
    """One text for each aspect, for the services of an Airflow group."""
    services = group.services
    return (
        f"apache-airflow{_format_version(services, facts)}, and your DAGs",
        _describe_python_packages(facts),
        _describe_libraries(facts),
        _describe_configuration(services),
        f"/entrypoint, then {', '.join(list_start_commands(services, facts)) or 'a word for each role'}",
        "Python",
        "plans tasks, starts them, shows them",
        "CPU and memory of Python processes; what they keep is in the database",
        "more schedulers, more workers, at any time",
        "a new image with every new requirement; a container can be removed at any time",
    )


def _format_version(services: Sequence[Service], facts: DockerfileAnalysis | None) -> str:
    version = facts.airflow_version if facts is not None else None
    version = version or next(
        (found for one in services if (found := parse_image_version(substitute_image_defaults(one)))), None
    )
    return f" {version}" if version else ""


def _describe_python_packages(facts: DockerfileAnalysis | None) -> str:
    names = list(dict.fromkeys(pin.name for pin in facts.pins if not pin.from_argument)) if facts is not None else []
    return (
        f"Airflow's own, and {format_short_list(names, SHOWN)}" if names else "Airflow's own, several hundred packages"
    )


def _describe_libraries(facts: DockerfileAnalysis | None) -> str:
    own = list(facts.written_packages) if facts is not None else []
    return f"what wheels need, and {format_short_list(own, SHOWN)}" if own else "what wheels need"


def _describe_configuration(services: Sequence[Service]) -> str:
    """Names of variables, never values."""
    own = [{name for name in service.environment if name.startswith("AIRFLOW")} for service in services]
    common = set.intersection(*own) if own else set()
    if not common:
        return "airflow.cfg and AIRFLOW__... variables, one set for all of them"
    apart = len(set.union(*own) - common)
    return f"the same {len(common)} AIRFLOW... variables" + (f"; {apart} more that only some have" if apart else "")


def list_start_commands(services: Sequence[Service], facts: DockerfileAnalysis | None) -> list[str]:
    """What the services start, one after the other, without repetition."""
    words = []
    for service in services:
        start = parse_start_command(service, facts)
        lasting = [call for call in start.calls if find_started_role(call)]
        words += [f"`{format_subcommand(call)}`" for call in (lasting or start.calls)[:1] if call]
    return list(dict.fromkeys(words))


def format_subcommand(call: tuple[str, ...]) -> str:
    """The subcommand alone: what follows may hold a password."""
    return " ".join(call[:2] if call[0] in GROUPS else call[:1])


def count_schedulers(group: ServiceGroup, facts: Mapping[str, DockerfileAnalysis]) -> int:
    """How many scheduler containers the file asks for."""
    roles = ((one, parse_start_command(one, facts.get(one.name)).role) for one in group.services)
    return sum(one.replicas for one, role in roles if role == SCHEDULER.name)
