"""How the roles of a project are proven."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from builder.airflow.releases import release
from builder.compose.model import (
    Build,
    Group,
    GroupPlan,
    Plan,
    Project,
    ProjectFiles,
    Service,
    Source,
    Target,
)
from builder.operations.prove_shared_image import used_roles

if TYPE_CHECKING:
    from collections.abc import Mapping


SHARED = "demo-airflow:latest"


FILE = Path("/p/compose.yaml")


def target(source: Source = Source.BUILDER) -> Target:
    builder = "init" if source is Source.BUILDER else None
    return Target(("init", "web"), SHARED, source, builder, Path("/p/my image") if source is Source.SPEC else None)


def plan(commands: Mapping[str, tuple[str, ...] | None]) -> Plan:
    build = Build("/p")
    services = {name: Service(name, build=build, command=command) for name, command in commands.items()}
    services["db"] = Service("db", image="postgres:13")
    project = Project(ProjectFiles(Path("/p"), (FILE,)), "demo", services, {}, {}, {})
    group = Group(("init", "web"), build, ("demo-init:latest", "demo-web:latest"), airflow=True)
    return Plan(project, (GroupPlan(group, target()),), (), ())


@pytest.mark.parametrize(
    ("web", "roles"),
    [
        (("webserver",), ["init", "webserver"]),
        (("airflow", "scheduler"), ["init", "scheduler"]),
        (("bash", "-c", "airflow db migrate && airflow webserver"), ["init", "webserver"]),
        (("celery", "worker"), ["init", "webserver", "scheduler"]),
        (None, ["init", "webserver", "scheduler"]),
    ],
)
def test_the_roles_that_the_services_start_are_proven(web: tuple[str, ...] | None, roles: list[str]) -> None:
    made = plan({"init": ("version",), "web": web})
    assert [role.name for role in used_roles(release("2.8.1"), made, target())] == roles
