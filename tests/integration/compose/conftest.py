"""Stand-ins for images that cannot be pulled here. Only tests give them official names, and take those away again."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

import pytest
from seed_project import Stack, new_stack, remove_orphaned_stacks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.engine.client import Engine


@pytest.fixture(scope="session")
def official_names(engine: Engine, image: str, postgres_image: str) -> Iterator[None]:
    """`apache/airflow:2.8.1` and `postgres:13`: the project's own image and Debian's PostgreSQL stand in for them."""
    remove_orphaned_stacks()
    wanted = {"apache/airflow:2.8.1": image, "postgres:13": postgres_image}
    given = {name: source for name, source in wanted.items() if engine.find_image_id(name) is None}
    for name, source in given.items():
        source_id = engine.find_image_id(source)
        assert source_id is not None
        engine.tag(source_id, name)
    yield
    for name in given:
        engine.untag(name)


@pytest.fixture
def seed(official_names: None, tmp_path: Path) -> Iterator[Stack]:
    """The runnable seed project: each service's image built by itself, nothing started."""
    stack = new_stack(tmp_path, f"seed{os.getpid()}x{uuid.uuid4().hex[:8]}")
    try:
        stack.build_apart()
        yield stack
    finally:
        stack.remove()
