"""What the bench measures with: processor time of a build's own steps, an engine that is empty, a registry's log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from session import Session, open_other_engine, open_session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SPIN_SECONDS = 2
DOCKERFILE = f"""\
FROM scratch
ADD base.tar /
RUN python3 -c 'while __import__("time").process_time() < {SPIN_SECONDS}: pass'
RUN --mount=type=cache,target=/cache test ! -e /cache/mark && touch /cache/mark
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with open_session(tmp_path_factory.mktemp("bench")) as opened:
        yield opened


@pytest.fixture(scope="module")
def context(fresh_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("context")
    (folder / "base.tar").hardlink_to(fresh_base / "base.tar")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


@pytest.mark.soak
def test_each_cold_build_is_cold_and_its_steps_are_counted(session: Session, context: Path) -> None:
    """A cache mount that outlived the emptying would fail the second build."""
    for _ in range(2):
        session.engine.empty()
        assert session.engine.find_image("cold") is None
        cost = session.group.measure(lambda: session.build_baseline(context, "cold"))
        assert cost.cpu >= SPIN_SECONDS
    warm = session.group.measure(lambda: session.build_baseline(context, "cold"))
    assert warm.cpu < SPIN_SECONDS


@pytest.mark.soak
def test_the_registry_counts_what_travels_and_nothing_twice(session: Session, context: Path) -> None:
    if session.engine.find_image("cold") is None:
        session.build_baseline(context, "cold")
    pushed = session.push("cold", "image", "1")
    assert pushed == sum(size for _, size in session.registry.read_layers("image", "1"))
    assert session.push("cold", "image", "2") == 0
    with open_other_engine(session, "puller") as puller:
        name = f"{session.registry.address}/image:1"
        assert session.registry.count_pulled_bytes(lambda: puller.run("pull", "--quiet", name)) == pushed
        assert session.registry.count_pulled_bytes(lambda: puller.run("pull", "--quiet", name)) == 0
