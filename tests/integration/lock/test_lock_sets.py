"""What uv and the index really answer: constraints that are kept, and those that are given up, and why no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lock_sets import GIVEN_UP, NAMES, find_constraints_file, lock_set, resolve_lines, resolve_set
from packaging.version import Version

from builder.image.lock.first_pass import VersionPreferences

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

AT_HAND = [name for name in NAMES if find_constraints_file(name).is_file()]
"""The official files of constraints lie beside the checkout, or where OPTBUILD_CONSTRAINTS says."""


def list_given_up(pins: Mapping[str, str], constraints: Mapping[str, str]) -> dict[str, str]:
    return {name: version for name, version in pins.items() if constraints.get(name, version) != version}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """uv's, empty at first, then with what the tests before needed."""
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize(
    ("lines", "constraints", "given_up"),
    [
        pytest.param(["scikit-learn==1.5.2"], {"cloudpickle": "2.2.1"}, set(), id="joblib without cloudpickle"),
        pytest.param(
            ["scikit-learn==1.5.2"], {"scipy": "1.18.0"}, {"scipy"}, id="a scipy that this Python cannot install"
        ),
        pytest.param(
            ["pandas", "scikit-learn"],
            {"scipy": "1.18.0", "pandas": "2.1.4", "cloudpickle": "2.2.1"},
            {"scipy"},
            id="the same without versions, and others that can be kept",
        ),
        pytest.param(
            ["connexion==2.14.2", "flask-caching"],
            {"flask": "3.0.3", "werkzeug": "2.2.3", "jinja2": "3.1.4"},
            {"flask"},
            id="only what stands in the way",
        ),
        pytest.param(["requests==2.32.3"], {"urllib3": "2.2.3", "idna": "3.10"}, set(), id="nothing in the way"),
    ],
)
def test_the_same_with_an_empty_and_a_full_cache(
    tmp_path: Path, cache: Path, lines: list[str], constraints: dict[str, str], given_up: set[str]
) -> None:
    caches = (tmp_path / "empty", tmp_path / "empty", cache)
    first, *others = (
        resolve_lines(lines, VersionPreferences(constraints), tmp_path / "scratch", one) for one in caches
    )
    assert others == [first, first]
    assert list_given_up(first, constraints).keys() == given_up
    assert not [name for name, version in first.items() if Version(version).is_prerelease]
    assert Version(first.get("scikit-learn", "1.5.2")) >= Version("1.5.2")


@pytest.mark.parametrize(  # they lie outside the project: where they do not, pytest skips it for want of a name
    "name", [name for name in ("constraints-of-another", "dbt-1.7", "uv-export") if name in AT_HAND]
)
def test_a_set_gives_up_what_its_requirements_exclude(name: str, tmp_path: Path, cache: Path) -> None:
    pins, preferences = resolve_set(name, tmp_path, cache)
    assert list_given_up(pins, preferences.constraints) == GIVEN_UP[name]


@pytest.mark.soak
@pytest.mark.parametrize("name", AT_HAND)
def test_a_set_is_locked_with_an_empty_and_a_full_cache(name: str, tmp_path: Path) -> None:
    first, second = (lock_set(name, tmp_path / number, tmp_path / "cache") for number in ("1", "2"))
    assert second.lock == first.lock
    wanted = GIVEN_UP.get(name, {})
    assert {one.name: one.locked if wanted.get(one.name, "") else None for one in first.lock.given_up} == wanted
