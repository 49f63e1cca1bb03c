"""Bases of other people, as images that stand in for them, in a registry on 127.0.0.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from faulty_proxy import FaultyProxy, start_faulty_proxy
from stand_in_registry import StandInRegistry, serve_stand_ins
from stand_ins import AIRFLOW_210, AIRFLOW_211, AIRFLOW_281, AIRFLOW_306, AIRFLOW_332, COMPANY, PYTHON_311

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandInRegistry]:
    """The registry; what a test wants in it, it publishes (seconds, or the minutes of making it the first time)."""
    with serve_stand_ins(tmp_path_factory.mktemp("stand-ins")) as served:
        yield served


@pytest.fixture(scope="session")
def python_311(stand_ins: StandInRegistry) -> str:
    """The reference of what stands in for python:3.11-slim-bookworm."""
    return stand_ins.publish(PYTHON_311)


@pytest.fixture(scope="session")
def company(stand_ins: StandInRegistry) -> str:
    """A Debian with its own Python 3.11 and a user of its own."""
    return stand_ins.publish(COMPANY)


@pytest.fixture
def faulty(stand_ins: StandInRegistry) -> Iterator[FaultyProxy]:
    """The same registry behind a proxy that fails as it is told."""
    with start_faulty_proxy(stand_ins.address) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def airflow_281(stand_ins: StandInRegistry) -> str:
    """What stands in for apache/airflow:2.8.1-python3.11, under that path: packages in the user's site."""
    return stand_ins.publish(AIRFLOW_281, repository=AIRFLOW_281.official)


@pytest.fixture(scope="session")
def airflow_210(stand_ins: StandInRegistry) -> str:
    """The same of 2.10.3: packages in a virtual environment."""
    return stand_ins.publish(AIRFLOW_210, repository=AIRFLOW_210.official)


@pytest.fixture(scope="session")
def airflow_211(stand_ins: StandInRegistry) -> str:
    """The same of 2.11.0: packages in a virtual environment."""
    return stand_ins.publish(AIRFLOW_211, repository=AIRFLOW_211.official)


@pytest.fixture(scope="session")
def airflow_306(stand_ins: StandInRegistry) -> str:
    """The same of 3.0.6."""
    return stand_ins.publish(AIRFLOW_306, repository=AIRFLOW_306.official)


@pytest.fixture(scope="session")
def airflow_332(stand_ins: StandInRegistry) -> str:
    """The same of 3.3.2, its interpreter below /usr/python."""
    return stand_ins.publish(AIRFLOW_332, repository=AIRFLOW_332.official)
