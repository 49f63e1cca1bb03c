"""The project's own image as values, and what it would be on other bases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from render_forms import FORMS, make_forms

from builder.image.lock.document import read_lock
from builder.image.spec.reader import read_spec

if TYPE_CHECKING:
    from render_forms import Form

    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec

IMAGE = Path(__file__).parents[4] / "images/airflow"


@pytest.fixture(scope="session")
def spec() -> Spec:
    return read_spec(IMAGE)


@pytest.fixture(scope="session")
def lock() -> Lock:
    return read_lock(IMAGE / "optbuild.lock")


@pytest.fixture(scope="session")
def forms(spec: Spec, lock: Lock) -> dict[str, Form]:
    """By the name of its golden file."""
    return make_forms(spec, lock)


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, forms: dict[str, Form]) -> Form:
    return forms[request.param]
