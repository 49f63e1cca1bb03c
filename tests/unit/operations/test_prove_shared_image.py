"""How the roles of a project are proven."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from builder.airflow.releases import find_release
from builder.compose.model import Build, ImageOrigin, Project, ProjectFiles, Service, SharedTarget
from builder.compose.planned import GroupPlan, Plan
from builder.compose.sharing.groups import ServiceGroup
from builder.operations.prove_shared_image import find_used_roles

if TYPE_CHECKING:
    from collections.abc import Mapping


SHARED = "demo-airflow:latest"


FILE = Path("/p/compose.yaml")


def target(source: ImageOrigin = ImageOrigin.BUILDER) -> SharedTarget:
    builder = "init" if source is ImageOrigin.BUILDER else None
    return SharedTarget(
        ("init", "web"), SHARED, source, builder, Path("/p/my image") if source is ImageOrigin.SPEC else None
    )


def plan(commands: Mapping[str, tuple[str, ...] | None]) -> Plan:
    build = Build("/p")
    services = {name: Service(name, build=build, command=command, project="demo") for name, command in commands.items()}
    services["db"] = Service("db", image="postgres:13")
    project = Project(ProjectFiles(Path("/p"), (FILE,)), "demo", services, {}, {}, {})
    group = ServiceGroup((services["init"], services["web"]), airflow=True)
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
    assert [role.name for role in find_used_roles(find_release("2.8.1"), made, target())] == roles


@pytest.mark.parametrize("command", ["api-server", "scheduler", "dag-processor", "triggerer"])
def test_the_roles_of_airflow_3_are_proven_by_their_own_names(command: str) -> None:
    made = plan({"init": ("version",), "web": (command,)})
    assert [role.name for role in find_used_roles(find_release("3.3.2"), made, target())] == ["init", command]


def test_an_entrypoint_starts_a_role_too() -> None:
    made = plan({"init": ("version",), "web": None})
    web = replace(made.project.services["web"], entrypoint=("/usr/bin/dumb-init", "airflow", "triggerer"))
    made = replace(made, project=replace(made.project, services={**made.project.services, "web": web}))
    assert [role.name for role in find_used_roles(find_release("2.8.1"), made, target())] == ["init", "triggerer"]
