"""Bases of other people, as images that stand in for them, in a registry on 127.0.0.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from faulty_proxy import FaultyProxy, start_faulty_proxy
from stand_in_registry import StandInRegistry, serve_stand_ins
from stand_ins import COMPANY, PYTHON_311

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
