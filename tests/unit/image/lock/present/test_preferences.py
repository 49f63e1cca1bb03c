"""What a new lock prefers: the lock before, then what the foundation has, then the constraints."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from builder.image.lock.constraints import ConstraintsFile
from builder.image.lock.debian import select_kept_versions
from builder.image.lock.present.preferences import make_preferences

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.image.lock.foundation import Foundation
    from builder.image.lock.model import Lock

SAME = ConstraintsFile("2.8.1/3.11", "ab" * 32, {"pandas": "2.1.4"})
"""The constraints that the lock of the tests was made with."""


def test_the_versions_of_the_lock_before_are_kept(lock: Lock) -> None:
    wanted, tools = make_preferences(lock.inputs, SAME, lock)
    assert wanted.constraints == {"pandas": "2.1.4"}
    assert wanted.previous == {"apache-airflow": "2.8.1", "dill": "0.3.1.1", "pandas": "2.0.3"}
    assert tools.previous == {"setuptools": "84.2.1"}
    assert select_kept_versions(lock, ()) == {
        "libgomp1": "12.2.0-14+deb12u1",
        "zlib1g": "1:1.2.13.dfsg-1",
        "binutils": "2.40-2",
    }


@pytest.mark.parametrize("change", ["airflow", "python", "version", "sha256", "none before"])
def test_another_airflow_python_or_constraints_beat_the_lock_before(lock: Lock, change: str) -> None:
    inputs, constraints, previous = lock.inputs, SAME, lock
    match change:
        case "airflow" | "python":
            changed: dict[str, Any] = {change: "3.12"}
            inputs = dataclasses.replace(inputs, **changed)
        case "version":
            constraints = dataclasses.replace(SAME, version="2.10.3/3.11")
        case "sha256":
            constraints = dataclasses.replace(SAME, sha256="00" * 32)
        case _:
            previous = dataclasses.replace(lock, constraints=None)
    wanted, _ = make_preferences(inputs, constraints, previous)
    assert wanted.format_lines() == "apache-airflow==2.8.1\ndill==0.3.1.1\npandas==2.1.4\n"
    assert wanted.list_dropped({"pandas": "2.0.3"}) == ["pandas"]  # so it is tried as a demand


def test_without_constraints_another_airflow_keeps_what_it_can(lock: Lock) -> None:
    inputs = dataclasses.replace(lock.inputs, airflow="2.10.3", constraints="none")
    assert make_preferences(inputs, None, lock)[0].previous["pandas"] == "2.0.3"


def test_an_upgrade_lets_go_of_all_or_of_one(lock: Lock) -> None:
    assert make_preferences(lock.inputs, SAME, None)[0].previous == {}
    wanted, tools = make_preferences(lock.inputs, SAME, lock, upgrade_packages=("Pandas", "SetupTools"))
    assert set(wanted.previous) == {"apache-airflow", "dill"}
    assert tools.previous == {}
    assert set(select_kept_versions(lock, ("zlib1g",))) == {"libgomp1", "binutils"}


def test_what_the_foundation_has_outranks_the_constraints(
    lock: Lock, make_foundation: Callable[..., Foundation]
) -> None:
    foundation = make_foundation(pandas="2.1.3", numpy="1.26.4")
    wanted, tools = make_preferences(lock.inputs, SAME, None, foundation=foundation)
    assert wanted.constraints == {"pandas": "2.1.3", "numpy": "1.26.4"}
    assert wanted.previous == {}
    assert tools.constraints == {}  # a build requirement is no part of the image


def test_what_stayed_and_what_was_replaced_are_both_of_the_lock_before(
    lock: Lock, make_foundation: Callable[..., Foundation]
) -> None:
    before = dataclasses.replace(lock, foundation=make_foundation(pandas="2.1.4", numpy="1.26.4"))
    wanted, _ = make_preferences(before.inputs, SAME, before, foundation=before.foundation)
    assert wanted.previous["pandas"] == "2.0.3"  # the spec still asks for it
    assert wanted.previous["numpy"] == "1.26.4"
    moved, _ = make_preferences(before.inputs, SAME, before, foundation=before.foundation, upgrade_packages=("numpy",))
    assert "numpy" not in moved.previous


def test_a_replacement_that_nothing_asks_for_any_more_goes_back_to_the_foundations(
    lock: Lock, make_foundation: Callable[..., Foundation]
) -> None:
    before = dataclasses.replace(lock, foundation=make_foundation(pandas="2.1.4"))
    inputs = dataclasses.replace(lock.inputs, requirements=())
    assert make_preferences(inputs, SAME, before, foundation=before.foundation)[0].previous["pandas"] == "2.1.4"


def test_another_foundation_beats_the_lock_before(lock: Lock, make_foundation: Callable[..., Foundation]) -> None:
    before = dataclasses.replace(lock, foundation=make_foundation(pandas="2.1.4"))
    now = dataclasses.replace(make_foundation(pandas="2.2.0", dill="0.3.8"), digest="sha256:" + "cd" * 32)
    wanted, _ = make_preferences(lock.inputs, SAME, before, foundation=now)
    assert wanted.previous == {"apache-airflow": "2.8.1"}
    assert wanted.constraints == {"pandas": "2.2.0", "dill": "0.3.8"}
