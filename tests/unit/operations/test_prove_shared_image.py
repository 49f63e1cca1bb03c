"""How the roles of a project are proven."""

from __future__ import annotations

from dataclasses import replace

import pytest
from plan_samples import plan, target

from builder.airflow.releases import find_release
from builder.operations.prove_shared_image import find_used_roles


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
