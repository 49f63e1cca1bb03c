"""What the product says of our own projects in other people's habits, and what it leaves of them, is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from own_projects import FOLDER, OWN_PROJECTS
from reach import examine_projects

if TYPE_CHECKING:
    from reach import Reach

BY_HAND = {"harbour-podman": 1}
"""Project → findings of Dockerfiles that a person has to decide about: whose a folder of the base should be."""


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reach]:
    """All of them at once, for all tests: two processors are busy with Compose for a few seconds."""
    sources = {FOLDER / name: right.ways for name, right in OWN_PROJECTS.items()}
    return examine_projects(sources, tmp_path_factory.mktemp("own"))


@pytest.mark.parametrize("name", OWN_PROJECTS)
def test_groups(name: str, reached: dict[str, Reach]) -> None:
    assert reached[name].groups == OWN_PROJECTS[name].groups


@pytest.mark.parametrize("name", OWN_PROJECTS)
def test_who_builds(name: str, reached: dict[str, Reach]) -> None:
    assert reached[name].builders == (OWN_PROJECTS[name].builder,)


@pytest.mark.parametrize("name", OWN_PROJECTS)
def test_optimize_writes_what_the_plan_shows(name: str, reached: dict[str, Reach]) -> None:
    assert reached[name].refused == ""


@pytest.mark.parametrize("name", OWN_PROJECTS)
def test_findings(name: str, reached: dict[str, Reach]) -> None:
    assert sorted(reached[name].findings) == sorted(OWN_PROJECTS[name].findings)


@pytest.mark.parametrize("name", OWN_PROJECTS)
def test_fixes_apply(name: str, reached: dict[str, Reach]) -> None:
    """All of a project's at once: each finding with edits is gone, none has come, Compose takes what was pasted."""
    fixes = reached[name].fixes
    assert (fixes.wrong, fixes.by_hand) == ((), BY_HAND.get(name, 0))


@pytest.mark.parametrize("name", [name for name, right in OWN_PROJECTS.items() if right.ways])
def test_other_ways_stay_valid(name: str, reached: dict[str, Reach]) -> None:
    assert reached[name].ways == dict.fromkeys(OWN_PROJECTS[name].ways, "")
