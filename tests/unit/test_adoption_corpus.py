"""The projects of ``tests/fixtures/adoption``: enough of them, each with what its original gives."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "fixtures/adoption"
PROJECTS = sorted(path.parent for path in FOLDER.glob("*/expected.toml"))
KEYS = {
    *("outcome", "dockerfile", "base", "airflow", "python", "extras", "pins", "apt", "apt-build"),
    *("env", "labels", "files", "roles", "broker", "options", "open", "mentions", "absent"),
}


def test_there_are_enough_and_enough_mirror_a_public_one() -> None:
    mirrors = [project for project in PROJECTS if "# Mirrors " in (project / "expected.toml").read_text()]
    assert len(PROJECTS) >= 25
    assert len(mirrors) >= 8


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_each_says_what_its_original_gives(project: Path) -> None:
    expected = tomllib.loads((project / "expected.toml").read_text())
    assert (project / "project").is_dir()
    assert set(expected) <= KEYS
    assert expected["outcome"] in ("proven", "reported", "refused")
    assert bool(expected.get("open")) == (expected["outcome"] == "reported")
    assert bool(expected.get("mentions")) == (expected["outcome"] == "refused")
    for source in expected.get("files", {}):
        assert (project / "project" / source).exists(), source
    for place in expected.get("open", ()):
        file, _, line = place.partition(":")
        text = (project / "project" / file).read_text()
        assert not line or text.splitlines()[int(line) - 1].strip(), place
