"""OB207: a group of Airflow services of which none says where the database is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import project_factories as making
import pytest

from builder.compose.model import Mount
from builder.compose.rules.connection import find_missing_connections
from builder.compose.rules.context import RuleContext
from builder.compose.sharing.groups import group_services
from builder.dockerfile import Instruction
from builder.dockerfile.stages import Stage

SERVICES = ("airflow-init", "airflow-scheduler", "airflow-webserver")


def found(changes: dict[str, Any], **more: Any) -> list[tuple[str, ...]]:
    """What the seed project, changed in every Airflow service by ``changes``, makes the rule say."""
    environment = {**making.AIRFLOW, **changes.pop("environment", {})}
    project = making.seed(**{name: {**changes, "environment": environment} for name in SERVICES})
    look = RuleContext(replace(project, **more.pop("project", {})), **more)
    return [
        one.services for one in find_missing_connections(replace(look, groups=group_services(look.project, look.facts)))
    ]


def test_none_of_them_has_a_connection() -> None:
    assert found({}) == [SERVICES]


@pytest.mark.parametrize(
    "changes",
    [
        {"environment": {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://elsewhere/airflow"}},
        {"environment": {"AIRFLOW__CORE__SQL_ALCHEMY_CONN": None}},
        {"environment": {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD": "cat /run/secrets/url"}},
        {"environment": {"AIRFLOW_CONFIG": "/opt/airflow/config/airflow.cfg"}},
        {"mounts": (Mount("bind", "/home/ada/shop/airflow.cfg", "/opt/airflow/airflow.cfg"),)},
    ],
)
def test_a_connection_may_stand_in_many_places(changes: dict[str, Any]) -> None:
    assert found(changes) == []


def test_a_configuration_file_in_the_image_may_hold_it() -> None:
    copied = Stage(0, None, "apache/airflow:2.8.1", 1, (Instruction("COPY", "airflow.cfg /opt/airflow/", 2),))
    facts = replace(making.facts(airflow=True), chain=(copied,))
    assert found({}, facts=dict.fromkeys(SERVICES, facts)) == []


def test_without_the_environment_files_nothing_is_said() -> None:
    assert found({}, project={"resolved": None}) == []
