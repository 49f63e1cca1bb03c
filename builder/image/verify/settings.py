"""How the Airflow of a role is configured in a verification: by the image, its airflow.cfg and our variables."""

from __future__ import annotations

import configparser
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from builder.airflow.find import find_role, find_started_role, list_read_names
from builder.airflow.model import HttpHealth
from builder.airflow.variables import CONFIG_FILE, CONFIG_VARIABLE
from builder.airflow.web_address import find_web_address
from builder.image.verify.bench import read_image_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.airflow.model import KnownRole, Role
    from builder.airflow.variables import ConfigOption
    from builder.airflow.web_address import WebAddress
    from builder.image.verify.bench import VerifyContext

_LOCK = threading.Lock()


def find_known_role(role: Role, version: str) -> KnownRole | None:
    """What the table knows of a role, also where a spec gave it another name."""
    name = find_started_role(role.command)
    return find_role(name, version) if name is not None else None


def format_health_url(bench: VerifyContext, role: Role, health: HttpHealth, host: str) -> str:
    """The address of the role's health page."""
    return find_role_address(bench, role, health).format_origin(host) + move_health(bench, role, health).path


def move_health(bench: VerifyContext, role: Role, health: HttpHealth) -> HttpHealth:
    """Port and path where the settings move them. What a spec says of them counts as it is written."""
    address = find_role_address(bench, role, health)
    prefix = address.prefix if is_own_health(bench, role, health) else ""
    return replace(health, path=f"{prefix}{health.path}", port=address.port)


def find_role_address(bench: VerifyContext, role: Role, health: HttpHealth) -> WebAddress:
    """Where the role answers; the port that a spec gives it stays."""
    known = find_known_role(role, bench.plan.airflow)
    address = find_web_address(
        None if known is None else known.web,
        health.port,
        (role.command,),
        lambda option: read_option(bench, role, option),
    )
    return address if is_own_health(bench, role, health) else replace(address, port=health.port)


def list_web_ports(bench: VerifyContext) -> dict[str, int]:
    """Web server → the port that it takes with the image's own settings, where no spec says another one."""
    return {
        role.name: find_role_address(bench, role, role.health).port
        for role in bench.plan.servers
        if isinstance(role.health, HttpHealth) and is_own_health(bench, role, role.health) and not role.needs_broker
    }


def is_own_health(bench: VerifyContext, role: Role, health: HttpHealth) -> bool:
    """Whether it is the health of the version's own role, and not one that a spec gave it."""
    known = find_known_role(role, bench.plan.airflow)
    own = None if known is None else known.role.health
    return getattr(own, "path", None) == health.path and getattr(own, "port", None) == health.port


def read_option(bench: VerifyContext, role: Role, option: ConfigOption) -> str:
    """An option's value for a role: of the environment, else of the image's airflow.cfg; empty where neither has it."""
    names = list_read_names(option, bench.plan.airflow)
    environment = {**read_image_environment(bench.attrs), **bench.environment, **dict(role.environment)}
    found = next((value for name in names if (value := environment.get(name))), "")
    return found or next((value for name in names if (value := _read_file_option(bench, name))), "")


def _read_file_option(bench: VerifyContext, name: str) -> str:
    _, section, key = name.lower().split("__", 2)
    with _LOCK:
        if bench.configuration is None:
            bench.configuration = parse_configuration(bench.yard.read_image_file(find_configuration_file(bench)))
    return bench.configuration.get((section, key), "")


def find_configuration_file(bench: VerifyContext) -> str:
    """Where the image's Airflow looks for its airflow.cfg."""
    return read_image_environment(bench.attrs).get(CONFIG_VARIABLE) or f"{bench.home}/{CONFIG_FILE}"


def parse_configuration(data: bytes | None) -> Mapping[tuple[str, str], str]:
    """(section, key) → value, in lower case; nothing for a file that is missing or not one of Airflow's."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string((data or b"").decode("utf-8", "replace"))
    except configparser.Error:
        return {}
    return {(one.lower(), key): value for one in parser.sections() for key, value in parser.items(one)}
