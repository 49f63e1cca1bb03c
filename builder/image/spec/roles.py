"""Which roles the image of a spec has: those of the Airflow version, as the spec changes them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.airflow.model import Health, HttpHealth, Role
from builder.airflow.releases import find_release
from builder.core.naming import DEFAULT_BROKER

if TYPE_CHECKING:
    from builder.image.spec.model import HealthTable, RoleTable, Spec


def resolve_roles(spec: Spec) -> tuple[Role, ...]:
    """The version's own in their order (``init`` first), then the spec's own in the order of the file.

    An optional role of the version (``triggerer``) is on when the spec names it; a base has none. Raises
    ``UnknownAirflowError``.
    """
    if spec.image.kind == "base":
        return ()
    known = find_release(spec.airflow.version)
    optional = tuple(role for role in known.optional_roles if role.name in spec.roles)
    own = tuple(role for role in (*known.roles, *optional) if _is_enabled(role.name, spec))
    names = {role.name for role in (*known.roles, *known.optional_roles)}
    added = tuple(
        _make_role(name, table) for name, table in spec.roles.items() if name not in names and _is_enabled(name, spec)
    )
    return (*(_apply_role_table(role, spec.roles.get(role.name)) for role in own), *added)


def _is_enabled(name: str, spec: Spec) -> bool:
    return name not in spec.roles or spec.roles[name].enabled


def _apply_role_table(role: Role, table: RoleTable | None) -> Role:
    if table is None:
        return role
    return replace(role, command=table.command or role.command, health=_make_health(table.health) or role.health)


def _make_role(name: str, table: RoleTable) -> Role:
    return Role(name, table.command or (), _make_health(table.health))


def _make_health(table: HealthTable | None) -> Health | None:
    return None if table is None else HttpHealth(table.http, table.port)


def choose_broker_image(named: str | None, roles: tuple[Role, ...]) -> str | None:
    """The image to start a broker from: the spec's, or a default where a role needs one."""
    return (named or DEFAULT_BROKER) if any(role.needs_broker for role in roles) else None
