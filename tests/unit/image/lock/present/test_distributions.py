"""What a foundation has takes part in resolving, is not mended, and is not installed again."""

from __future__ import annotations

import dataclasses
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from builder.image.lock.facts import DistributionFacts
from builder.image.lock.foundation import Foundation, InstalledDistribution, ReadFoundation
from builder.image.lock.present.distributions import (
    PresentDistributions,
    collect_versions,
    is_same,
    list_needless_replacements,
    list_present_versions,
    read_present,
)
from builder.image.lock.uv import Uv

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from builder.image.lock.model import Lock
    from builder.image.lock.target import LockTarget


def read(foundation: Foundation, requires: Mapping[str, tuple[str, ...]]) -> ReadFoundation:
    facts = tuple(DistributionFacts(name, lines, (), ("more",)) for name, lines in requires.items())
    return ReadFoundation(foundation, "", facts)


def test_without_a_foundation_nothing_is_there(target: LockTarget, tmp_path: Path) -> None:
    present = read_present(None, target)
    assert present == PresentDistributions()
    assert present.select_added({"pandas": "2.0.3"}) == {"pandas": "2.0.3"}
    assert list_present_versions(None) == {}
    uv = Uv("uv", "1", "py", None, {})  # type: ignore[arg-type]  # it is not run
    assert "UV_FIND_LINKS" not in present.configure(uv, (), tmp_path).env


def test_only_what_differs_is_added(target: LockTarget, make_foundation: Callable[..., Foundation]) -> None:
    present = read_present(read(make_foundation(pandas="2.1.4", pytz="2024.01"), {}), target)
    assert present.select_added({"pandas": "2.0.3", "pytz": "2024.1", "seaborn": "0.12.2"}) == {
        "pandas": "2.0.3",
        "seaborn": "0.12.2",
    }


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2024.01", "2024.1", True),
        ("1.0", "1.0.0", True),
        ("1.0+cpu", "1.0", False),
        (None, "1.0", False),
        ("a b", "a b", True),
        ("a b", "1.0", False),
    ],
)
def test_versions_are_compared_by_pep_440(one: str | None, other: str, same: bool) -> None:
    assert is_same(one, other) is same


def test_an_image_of_ours_gives_its_environment_and_python_slim_nothing(
    make_foundation: Callable[..., Foundation],
) -> None:
    foundation = make_foundation(pandas="2.1.4")
    pip = InstalledDistribution("pip", "24.0", "/usr/local/lib/python3.11/site-packages", 9)
    both = dataclasses.replace(foundation, distributions=(*foundation.distributions, pip))
    assert list_present_versions(both) == {"pip": "24.0", "pandas": "2.1.4"}
    assert list_present_versions(dataclasses.replace(both, kind="image")) == {"pandas": "2.1.4"}
    assert list_present_versions(dataclasses.replace(both, kind="image", distributions=(pip,))) == {}


@pytest.mark.parametrize("is_first", [True, False])
def test_of_two_of_one_name_that_of_the_environment_counts(
    make_foundation: Callable[..., Foundation], *, is_first: bool
) -> None:
    foundation = make_foundation(pip="23.3.2")
    other = InstalledDistribution("pip", "24.0", "/usr/local/lib/python3.11/site-packages", 9)
    rows = (*foundation.distributions, other)
    both = dataclasses.replace(foundation, distributions=rows if is_first else rows[::-1])
    assert list_present_versions(both) == {"pip": "23.3.2"}


def test_what_the_foundation_does_not_meet_itself_is_said_and_not_resolved(
    target: LockTarget, make_foundation: Callable[..., Foundation]
) -> None:
    foundation = make_foundation(a="1.0", b="2.1", c="1.0")
    requires = {
        "a": ("b<2", "c", "absent>=1; python_version >= '3'", "b<9", "b<1; python_version < '3'", "d; extra == 'more'"),
        "b": ("c @ https://index.example/c.whl", "not a requirement!"),
        "c": (),
    }
    present = read_present(read(foundation, requires), target)
    assert present.unmet == ("a 1.0 needs b<2, and there is b 2.1", "a 1.0 needs absent>=1, and none is there")
    assert present.facts["a"].requires == (
        "c",
        "b<9",
        'b<1; python_version < "3"',
        'd; extra == "more"',
    )
    assert present.facts["b"].requires == ("c",)


@pytest.mark.parametrize(("redis", "kept"), [("5.0", "b[more]"), ("3.0", "b"), (None, "b")])
def test_an_extra_whose_distributions_are_not_there_is_not_asked_for(
    target: LockTarget, make_foundation: Callable[..., Foundation], redis: str | None, kept: str
) -> None:
    """``pip check`` asks for none of them; a resolver would add them."""
    versions = {"a": "1.0", "b": "2.1"} | ({"redis": redis} if redis else {})
    requires = {"a": ("b[more]",), "b": ("redis>=4; extra == 'more'",)}
    present = read_present(read(make_foundation(**versions), requires), target)
    assert present.facts["a"].requires == (kept,)
    assert present.unmet == ()


def test_a_version_that_pep_440_does_not_know_is_left_out(
    target: LockTarget, make_foundation: Callable[..., Foundation]
) -> None:
    present = read_present(read(make_foundation(a="1.0", odd="one two"), {"odd": (), "a": ()}), target)
    assert present.versions == {"a": "1.0"}
    assert [*present.facts] == ["a"]


def test_uv_is_told_what_is_there(
    target: LockTarget, make_foundation: Callable[..., Foundation], tmp_path: Path
) -> None:
    present = read_present(read(make_foundation(our_own="1.0", pandas="2.1.4"), {"our-own": ("pandas>=2",)}), target)
    uv = Uv("uv", "1", "py", None, {"UV_FIND_LINKS": "wheels"})  # type: ignore[arg-type]  # it is not run
    told = present.configure(uv, [("3", DistributionFacts("other", (), ()))], tmp_path)
    assert told.env["UV_FIND_LINKS"] == f"wheels,{tmp_path / 'present'}"
    assert [path.name for path in (tmp_path / "present").iterdir()] == ["our_own-1.0-py3-none-any.whl"]
    rows: list[dict[str, Any]] = tomllib.loads((tmp_path / "uv.toml").read_text())["dependency-metadata"]
    assert [(row["name"], row["version"], row["requires-dist"]) for row in rows] == [
        ("our-own", "1.0", ["pandas>=2"]),
        ("other", "3", []),
    ]


def test_what_a_container_sees(lock: Lock, make_foundation: Callable[..., Foundation]) -> None:
    both = dataclasses.replace(lock, foundation=make_foundation(pandas="2.1.4", numpy="1.26.4"))
    assert collect_versions(both) == {
        "apache-airflow": "2.8.1",
        "dill": "0.3.1.1",
        "pandas": "2.0.3",
        "numpy": "1.26.4",
    }


def test_a_replacement_is_needless_once_nothing_excludes_what_was_there(lock: Lock) -> None:
    versions = {"pandas": "2.1.4", "dill": "0.1", "numpy": "1.26.4"}
    assert list_needless_replacements(versions, ["pandas==2.0.3"], lock) == frozenset()
    assert list_needless_replacements(versions, ["pandas"], lock) == {"pandas"}  # dill: Airflow needs >=0.2.2
    assert list_needless_replacements(versions, [], None) == frozenset()
