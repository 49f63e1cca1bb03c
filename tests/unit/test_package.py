"""What pyproject.toml, the pinned files and the texts beside them say of the package agrees."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import builder

REPOSITORY = Path(__file__).parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
PIN = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)


def read_pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((REPOSITORY / name).read_text()))


def test_the_constraints_are_the_versions_that_the_tests_run_with() -> None:
    tested, shipped = read_pins(".ci/requirements.txt"), read_pins("constraints.txt")
    assert shipped
    assert {name: tested.get(name) for name in shipped} == shipped


def test_the_constraints_pin_each_dependency_in_a_version_that_fits() -> None:
    shipped = read_pins("constraints.txt")
    wanted = [Requirement(text) for text in PROJECT["dependencies"]]
    assert not [str(one) for one in wanted if not one.specifier.contains(shipped.get(canonicalize_name(one.name), "0"))]


def test_each_pin_has_hashes() -> None:
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    pins = [number for number, line in enumerate(lines) if PIN.match(line)]
    assert not [lines[number] for number in pins if "--hash=sha256:" not in lines[number + 1]]


def test_the_version_stands_in_one_place() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", builder.__version__)
    assert "version" in PROJECT["dynamic"]
    assert "version" not in PROJECT


def test_the_licence_is_named_and_there() -> None:
    assert PROJECT["license"] == "Apache-2.0"
    assert "Version 2.0, January 2004" in (REPOSITORY / "LICENSE").read_text()


def test_the_changelog_begins_with_what_is_not_released_or_with_this_version() -> None:
    heads = re.findall(r"^## (\S+)", (REPOSITORY / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert heads[0] in {"Unreleased", builder.__version__}
