"""A plan of a project in which one image serves two services, and a database stays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from builder.compose.model import Build, ImageOrigin, Project, ProjectFiles, Service, SharedTarget
from builder.compose.planned import GroupPlan, Plan
from builder.compose.sharing.groups import ServiceGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

SHARED = "demo-airflow:latest"
SHARERS = ("init", "web")
FILE = Path("/p/compose.yaml")


def target(source: ImageOrigin = ImageOrigin.BUILDER) -> SharedTarget:
    builder = "init" if source is ImageOrigin.BUILDER else None
    return SharedTarget(SHARERS, SHARED, source, builder, Path("/p/my image") if source is ImageOrigin.SPEC else None)


def plan(commands: Mapping[str, tuple[str, ...] | None]) -> Plan:
    build = Build("/p")
    services = {name: Service(name, build=build, command=command, project="demo") for name, command in commands.items()}
    services["db"] = Service("db", image="postgres:13")
    project = Project(ProjectFiles(Path("/p"), (FILE,)), "demo", services, {}, {}, {})
    group = ServiceGroup((services["init"], services["web"]), airflow=True)
    return Plan(project, (GroupPlan(group, target()),), (), ())
