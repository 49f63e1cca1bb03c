"""Projects as values, for tests: short to write, and what a test does not name is ordinary."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from builder.compose.model import Build, Mount, Project, ProjectFiles, Service
from builder.dockerfile.facts import DockerfileAnalysis, InstalledServer

FOLDER = Path("/home/ada/shop")
NAME = "shop"
AIRFLOW = {"AIRFLOW__CORE__EXECUTOR": "LocalExecutor"}


def build(dockerfile: str = "Dockerfile.airflow", **keys: Any) -> Build:
    return Build(**{"context": str(FOLDER), "dockerfile": dockerfile, **keys})


def service(name: str, **keys: Any) -> Service:
    """``raw_build`` and ``raw_image`` are what is resolved, unless given; ``depends_on`` may be names only.
    :func:`project` tells it another name of its project."""
    keys.setdefault("raw_build", keys.get("build"))
    keys.setdefault("raw_image", keys.get("image"))
    needs = keys.get("depends_on", {})
    keys["depends_on"] = needs if isinstance(needs, dict) else dict.fromkeys(needs, "service_started")
    return Service(name, **{"project": NAME, **keys})


def project(*services: Service, name: str = NAME) -> Project:
    files = ProjectFiles(FOLDER, (FOLDER / "docker-compose.yml",))
    ordered = {one.name: replace(one, project=name) for one in sorted(services, key=lambda one: one.name)}
    return Project(files, name, ordered, {}, {}, {})


def seed(**changes: dict[str, Any]) -> Project:
    """Webserver, scheduler and init of one Dockerfile beside PostgreSQL; ``changes`` by service, ``_`` for ``-``."""
    common: dict[str, Any] = {"build": build(), "environment": AIRFLOW}
    waits = {"postgres": "service_healthy", "airflow-init": "service_completed_successfully"}
    keys: dict[str, dict[str, Any]] = {
        "airflow-init": {**common, "command": ("db", "migrate"), "depends_on": {"postgres": "service_healthy"}},
        "airflow-scheduler": {**common, "command": ("scheduler",), "depends_on": waits},
        "airflow-webserver": {**common, "command": ("webserver",), "depends_on": waits},
        "postgres": {"image": "postgres:13", "mounts": (Mount("volume", "db", "/var/lib/postgresql/data"),)},
    }
    for name, change in changes.items():
        keys[name.replace("_", "-")] = {**keys.get(name.replace("_", "-"), {}), **change}
    return project(*(service(name, **given) for name, given in keys.items()))


def facts(
    *, airflow: bool = False, base: str | None = None, installed: tuple[InstalledServer, ...] = ()
) -> DockerfileAnalysis:
    return DockerfileAnalysis(
        path=FOLDER / "Dockerfile.airflow",
        chain=(),
        base=base,
        airflow=airflow,
        airflow_version=None,
        installed=installed,
    )


@dataclass(frozen=True)
class Layer:
    chain: str


@dataclass(frozen=True)
class Image:
    id: str
    layers: tuple[Layer, ...] = field(default=())


def image(identity: str, *chains: str) -> Image:
    return Image(identity, tuple(Layer(chain) for chain in chains))
