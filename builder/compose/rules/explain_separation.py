"""The long text behind each code: what it means, why it matters, an example, what to do. `optbuild plan --explain`."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from itertools import zip_longest
from string import Template
from typing import TYPE_CHECKING

from builder.compose.display import format_relative_path
from builder.compose.model import Project, Service
from builder.compose.rules.aspects import (
    ASPECTS,
    SHOWN,
    count_schedulers,
    describe_airflow,
    describe_product,
    list_start_commands,
)
from builder.compose.services.products import find_product
from builder.compose.sharing.groups import ServiceGroup
from builder.core.errors import ComposeError
from builder.core.phrases import format_short_list
from builder.findings.catalog import CATALOG
from builder.findings.explain import BELIEFS, CODES, WIDTH, read_explanation, suggest_code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.dockerfile.facts import DockerfileAnalysis
    from builder.products.model import Product

_FIRST, _OTHER = 20, 37
"""Columns of the table: the aspect, and each of the two programs."""


def explain_code(
    code: str, project: Project | None, groups: tuple[ServiceGroup, ...], facts: Mapping[str, DockerfileAnalysis]
) -> str:
    """The text of one code, or of ``beliefs``; filled in for the project where one is given.

    Raises ComposeError for a code that does not exist.
    """
    wanted = code.strip()
    if wanted.lower() == BELIEFS:
        return read_explanation(BELIEFS)
    rule = CATALOG.get(wanted.upper())
    if rule is None:
        raise ComposeError(
            f"there is no finding {code}", hint=f"{suggest_code(wanted)}--explain knows {', '.join(CODES)}"
        )
    head = f"{rule.code} {rule.name} ({rule.severity.word}): {rule.title}\n\n"
    if rule.code == "OB104":
        return head + _explain_separation(project, groups, facts)
    return head + read_explanation(rule.code) + _format_occurrences(rule.code, project, groups, facts)


def _format_occurrences(
    code: str, project: Project | None, groups: tuple[ServiceGroup, ...], facts: Mapping[str, DockerfileAnalysis]
) -> str:
    """What of the project the text is about: groups, or lines of a Dockerfile; empty where that is nothing."""
    if project is None:
        return ""
    lines = [*_list_groups(code, groups), *_list_dockerfile_lines(code, project, facts)]
    return "\nIn this project\n" + _format_bullets(lines) + "\n" if lines else ""


def _list_groups(code: str, groups: tuple[ServiceGroup, ...]) -> list[str]:
    if code not in ("OB101", "OB102", "OB105"):
        return []
    if code == "OB105":
        chosen = [group for group in groups if len(group.services) > 1 and len(group.builders) < 2]
    else:
        several = [group for group in groups if len(group.builders) > 1]
        chosen = [group for group in several if (len(group.images) == 1) == (code == "OB102")]
    return [f"{', '.join(group.names)}: {', '.join(group.images)}" for group in chosen]


def _list_dockerfile_lines(code: str, project: Project, facts: Mapping[str, DockerfileAnalysis]) -> list[str]:
    found: dict[str, None] = {}
    for name, known in facts.items():
        file = (
            format_relative_path(project, known.path) if known.path is not None else f"the inline Dockerfile of {name}"
        )
        found |= dict.fromkeys(f"{file}:{one.line}: {one.message}" for one in known.advice if one.code == code)
    return list(found)


@dataclass(frozen=True)
class _Comparison:
    """Who is compared: a group of Airflow services, and what else runs beside them."""

    group: ServiceGroup
    facts: DockerfileAnalysis | None
    others: tuple[tuple[Service, Product], ...]
    schedulers: int

    @property
    def other(self) -> tuple[Service, Product] | None:
        """The one that the table compares: one that keeps data, if there is any."""
        return self.others[0] if self.others else None


def _explain_separation(
    project: Project | None, groups: tuple[ServiceGroup, ...], facts: Mapping[str, DockerfileAnalysis]
) -> str:
    """OB104 for the services at hand; without any, for Airflow and PostgreSQL as everybody has them."""
    airflow = [group for group in groups if group.airflow]
    if project is None or not airflow:
        groups = _make_example_groups()
        airflow = [group for group in groups if group.airflow]
    group = max(airflow, key=lambda one: len(one.services))
    comparison = _Comparison(
        group,
        next((facts[name] for name in group.names if name in facts), None),
        _find_other_products(groups, facts),
        count_schedulers(group, facts),
    )
    return Template(read_explanation("OB104")).substitute(
        sharing=_explain_sharing(comparison),
        table=_format_table(comparison),
        costs=_format_bullets(_list_costs(comparison)),
    )


def _make_example_groups() -> tuple[ServiceGroup, ...]:
    """Those of every guide's project."""
    commands = {"airflow-init": ("db", "migrate"), "airflow-scheduler": ("scheduler",)}
    commands["airflow-webserver"] = ("webserver",)
    airflow = tuple(Service(name, command=command) for name, command in commands.items())
    postgres = Service("postgres", image="postgres:13")
    return ServiceGroup(airflow, airflow=True), ServiceGroup((postgres,), airflow=False)


def _find_other_products(
    groups: tuple[ServiceGroup, ...], facts: Mapping[str, DockerfileAnalysis]
) -> tuple[tuple[Service, Product], ...]:
    """The other products of the project, those that keep data first, databases before all."""
    found = []
    for group in groups:
        for service in () if group.airflow else group.services:
            product = find_product(service, facts.get(service.name))
            if product is not None:
                found.append((service, product))
    return tuple(sorted(found, key=lambda pair: ("SQL" not in pair[1].name, not pair[1].keeps_data, pair[0].name)))


def _explain_sharing(comparison: _Comparison) -> str:
    """Why the services of the group are one program."""
    names = comparison.group.names
    words = list_start_commands(comparison.group.services, comparison.facts)
    if len(names) == 1:
        return _wrap_text(f"In this project {names[0]} is the only service of Airflow; nothing has to be shared.")
    told = f": {', '.join(words)}" if words else ""
    return _wrap_text(
        f"Airflow's services are one program. {', '.join(names)} run the same code with the same packages, libraries "
        f"and configuration; what differs is the word after the entrypoint{told}. They must even have the same "
        "versions: the scheduler writes into the database what the others read. Their containers keep no data, so any "
        "of them can be replaced at any time, and all of them are replaced together when a requirement changes. "
        "That is one image."
    )


def _format_table(comparison: _Comparison) -> str:
    if comparison.other is None:
        return "  This project runs nothing beside Airflow."
    service, product = comparison.other
    left = (
        "Airflow: " + format_short_list(comparison.group.names, SHOWN),
        *describe_airflow(comparison.group, comparison.facts),
    )
    right = (f"{product.name}: {service.name}", *describe_product(product, service))
    rows = [_format_row(*cells) for cells in zip(("", *ASPECTS), left, right, strict=True)]
    rows.insert(1, "  " + "-" * (WIDTH - 2))
    rest = [f"{one.name} ({other.name}, {other.purpose}, {other.language})" for one, other in comparison.others[1:]]
    if rest:
        rows += ["", _wrap_text(f"The same holds for {', '.join(rest)}: each is a program of its own.")]
    return "\n".join(rows)


def _format_row(aspect: str, left: str, right: str) -> str:
    columns = (
        textwrap.wrap(aspect, _FIRST) or [""],
        textwrap.wrap(left, _OTHER, break_on_hyphens=False) or [""],
        textwrap.wrap(right, _OTHER, break_on_hyphens=False) or [""],
    )
    lines = zip_longest(*columns, fillvalue="")
    return "\n".join(f"  {one:<{_FIRST}} {two:<{_OTHER}} {three}".rstrip() for one, two, three in lines)


def _list_costs(comparison: _Comparison) -> list[str]:
    if comparison.other is None:
        return ["There is nothing to merge with."]
    service, product = comparison.other
    facts = {"name": product.name, "service": service.name, "times": comparison.schedulers}
    chosen = [_UPGRADES, *([_DATA] if product.keeps_data else []), _SIZE, _ATTACK]
    if product.keeps_data:
        chosen.append(_SCALING if comparison.schedulers > 1 else _SCALING_LATER)
    return [text.format(**facts) for text in (*chosen, _RUNNING)]


_UPGRADES = (
    "Upgrades. A new requirement of a DAG is a new image, and a new image restarts {name} with it. A fix of {name} "
    "rebuilds and restarts all of Airflow."
)
_DATA = (
    "Data. What {name} writes is in the container unless a volume is mounted for it, and is lost with the container. "
    "The image of {service} declares where its data is; Airflow's does not."
)
_SIZE = (
    "Size. Every container that shares the image carries {name}, and so does every machine that pulls it; one of them "
    "needs it."
)
_ATTACK = (
    "Attack surface. Airflow runs the code of everyone who may write a DAG. It would run beside {name}'s files and "
    "programs, and each container would bring a server that somebody could start."
)
_SCALING = (
    "Scaling. {times} schedulers, as this file asks for, would be {times} times {name}, each with a part of the data."
)
_SCALING_LATER = "Scaling. A second scheduler would be a second {name}, each with a part of the data."
_RUNNING = (
    "Running it. A container has one main program, one exit code, one health check, one log. With two programs none of "
    "them says which one is meant."
)


def _wrap_text(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def _format_bullets(lines: list[str]) -> str:
    return "\n".join(
        textwrap.fill(line, WIDTH, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False)
        for line in lines
    )
