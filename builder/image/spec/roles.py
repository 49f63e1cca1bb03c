"""Which roles the image of a spec has: those of the Airflow version, as the spec changes them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.airflow.model import Health, HttpHealth, Role
from builder.airflow.releases import release

if TYPE_CHECKING:
    from builder.image.spec.model import HealthTable, RoleTable, Spec


def roles_of(spec: Spec) -> tuple[Role, ...]:
    """The version's own in their order (``init`` first), then the spec's own in the order of the file.

    An optional role of the version (``triggerer``) is on when the spec names it. Raises ``UnknownAirflowError``.
    """
    known = release(spec.airflow.version)
    optional = tuple(role for role in known.optional_roles if role.name in spec.roles)
    own = tuple(role for role in (*known.roles, *optional) if _enabled(role.name, spec))
    names = {role.name for role in (*known.roles, *known.optional_roles)}
    added = tuple(
        _added(name, table) for name, table in spec.roles.items() if name not in names and _enabled(name, spec)
    )
    return (*(_changed(role, spec.roles.get(role.name)) for role in own), *added)


def _enabled(name: str, spec: Spec) -> bool:
    return name not in spec.roles or spec.roles[name].enabled


def _changed(role: Role, table: RoleTable | None) -> Role:
    if table is None:
        return role
    return replace(role, command=table.command or role.command, health=_health(table.health) or role.health)


def _added(name: str, table: RoleTable) -> Role:
    return Role(name, table.command or (), _health(table.health))


def _health(table: HealthTable | None) -> Health | None:
    return None if table is None else HttpHealth(table.http, table.port)
