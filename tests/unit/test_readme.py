"""The README speaks of what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from builder.cli.main import COMMANDS
from builder.image.spec.reader import parse_spec

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text()


def test_names_every_command_and_no_other() -> None:
    assert set(re.findall(r"[`$] ?optbuild ([a-z]+)", README)) == set(COMMANDS)


def test_names_only_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)`", README)) <= targets


def test_its_spec_is_a_spec() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert parse_spec(block, "README.md", REPOSITORY).image.name == "ml-pipeline-airflow"


@pytest.mark.parametrize("folder", ["builder", "templates", "images", "tests"])
def test_names_the_folders(folder: str) -> None:
    assert f"{folder}/" in README
