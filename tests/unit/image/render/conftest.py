"""The project's own image as values, and a way to ask for a changed one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from builder.image.lock.document import read_lock
from builder.image.spec.reader import read_spec

if TYPE_CHECKING:
    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec

IMAGE = Path(__file__).parents[4] / "images/airflow"


@pytest.fixture(scope="session")
def spec() -> Spec:
    return read_spec(IMAGE)


@pytest.fixture(scope="session")
def lock() -> Lock:
    return read_lock(IMAGE / "optbuild.lock")
