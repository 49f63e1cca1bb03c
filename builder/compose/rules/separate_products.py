"""OB104 and OB107: other products, which stay apart, and images that hold two of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.compose.display import describe_dockerfile, format_relative_path
from builder.compose.services.command_lines import parse_commands
from builder.compose.services.database import find_database
from builder.compose.services.products import find_product
from builder.core.errors import Where
from builder.core.image_reference import extract_last_component
from builder.core.phrases import choose_verb, join_names
from builder.findings.model import Finding
from builder.products.find import find_by_program, find_by_system_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.model import Service
    from builder.compose.rules.context import RuleContext
    from builder.dockerfile.facts import DockerfileAnalysis, InstalledServer

_INIT_SCRIPT = re.compile(r"/etc/init\.d/([a-z-]+)")


def find_separate_products(context: RuleContext) -> Iterator[Finding]:
    """OB104: one finding for each service that is not Airflow, in a project that has Airflow."""
    if not any(group.airflow for group in context.groups):
        return
    users = _index_database_users(context)
    for group in context.groups:
        if group.airflow or group.unclear or not (group.images or group.build):
            continue
        for service in group.services:
            name, key = service.name, "image" if service.build is None else "build"
            told = (
                (f"{join_names(users[name])} {choose_verb(users[name], 'keeps', 'keep')} Airflow's metadata there",)
                if name in users
                else ()
            )
            yield Finding(
                "OB104",
                context.line(context.project, name, key),
                _describe_service(context, service),
                (name,),
                details=told,
            )


def _index_database_users(context: RuleContext) -> dict[str, list[str]]:
    """Database service → the Airflow services that have their connection to it. A database elsewhere does not count."""
    users: dict[str, list[str]] = {}
    for one in context.airflow_services:
        database = find_database(context.project, one.service, one.facts, one.version)
        if database is not None and database.service is not None:
            users.setdefault(database.service, []).append(one.name)
    return users


def _describe_service(context: RuleContext, service: Service) -> str:
    product = find_product(service, context.facts.get(service.name))
    if product is None:
        what = f"{service.name} {_describe_unknown_program(context, service)}"
        return f"{what}: a program other than Airflow, with its own code and dependencies"
    name = "" if product.name == service.name else f"{product.name}, "
    what = f"{service.name} is {name}{product.purpose}"
    if product.keeps_data:
        return f"{what}: another program, and its data must outlive every image of Airflow"
    return f"{what}: another program, which is released, upgraded and scaled on its own"


def _describe_unknown_program(context: RuleContext, service: Service) -> str:
    if service.build is None:
        return f"runs {extract_last_component(service.image or '') or 'an image of its own'}"
    return f"builds {describe_dockerfile(context.project, service.build)}"


def find_mixed_products(context: RuleContext) -> Iterator[Finding]:
    """OB107: a Dockerfile with a server beside Airflow or beside another server; a service that starts one."""
    told: set[tuple[str, str]] = set()
    for group in context.groups:
        for service in group.services:
            for finding in (
                *_find_installed_servers(context, service, context.facts.get(service.name), airflow=group.airflow),
                *_find_started_servers(context, service, group.airflow),
            ):
                if (str(finding.where), finding.message) not in told:
                    told.add((str(finding.where), finding.message))
                    yield finding


def _find_installed_servers(
    context: RuleContext, service: Service, facts: DockerfileAnalysis | None, *, airflow: bool
) -> Iterator[Finding]:
    build = service.image_build
    if facts is None or build is None:
        return
    servers = {one.product: one for one in reversed(facts.installed)}
    kept = None if airflow else next(iter(facts.products), None)  # a database's own Dockerfile may hold its own server
    for product in facts.products:
        if product == kept:
            continue
        package = servers[product].package
        yield Finding(
            "OB107",
            _locate_installation(context, service, facts, servers[product]),
            f"{describe_dockerfile(context.project, build)} puts {product} ({package}) beside {kept or 'Airflow'}",
            (service.name,),
            f"take {package} out of the Dockerfile; give {product} a service with an image of its own "
            "and its data on a volume",
        )


def _locate_installation(
    context: RuleContext, service: Service, facts: DockerfileAnalysis, server: InstalledServer
) -> Where:
    if facts.path is None:
        return context.line(context.project, service.name, "build")
    return Where(format_relative_path(context.project, facts.path), server.line)


def _find_started_servers(context: RuleContext, service: Service, airflow: bool) -> Iterator[Finding]:
    if not airflow:
        return
    for product in dict.fromkeys(filter(None, map(_find_server_product, parse_commands(service)))):
        key = "command" if service.command else "entrypoint"
        yield Finding(
            "OB107",
            context.line(context.project, service.name, key),
            f"{service.name} starts {product} in Airflow's container",
            (service.name,),
            f"give {product} a service with an image of its own and its data on a volume, and let Airflow reach it by "
            "that service's name",
        )


def _find_server_product(words: tuple[str, ...]) -> str | None:
    """The product whose server this command starts."""
    script = _INIT_SCRIPT.fullmatch(words[0])
    program = words[0].rpartition("/")[2]
    if script is not None:
        product = find_by_system_service(script[1])
    elif program in ("service", "systemctl") and "start" in words:
        product = next(filter(None, map(find_by_system_service, words[1:])), None)
    else:
        product = find_by_program(program)
    return None if product is None else product.name
