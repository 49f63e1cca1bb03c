"""OB212: Airflow in the background of its container."""

from __future__ import annotations

import pytest
from rule_inputs import context_of, started

from builder.compose.rules.daemons import find_daemons


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("webserver -D", "-D"),
        ("airflow scheduler --daemon", "--daemon"),
        ("celery worker -D", "-D"),
        ("bash -c 'airflow db migrate && airflow webserver -D'", "-D"),
        ("bash -c 'airflow webserver -D && airflow scheduler -D'", "-D"),
        ("bash -c 'exec airflow webserver --port 80 -D'", "-D"),
    ],
)
def test_the_container_ends(command: str, option: str) -> None:
    (found,) = find_daemons(context_of(started("web", command, restart="always")))
    assert found.fix == f"take `{option}` out of the command"
    assert "again and again" in found.message


@pytest.mark.parametrize(
    "command",
    [
        "webserver",
        "bash -c 'airflow webserver -D && airflow scheduler'",
        "bash -c 'airflow scheduler & airflow webserver'",
        "bash -c 'airflow webserver -D; tail -f /dev/null'",
        "bash -c 'airflow webserver -D & wait'",
        "bash -c 'airflow scheduler -D && sleep infinity'",
        "webserver -d",
        "dags list -D",
        None,
    ],
)
def test_something_goes_on(command: str | None) -> None:
    assert list(find_daemons(context_of(started("web", command)))) == []
