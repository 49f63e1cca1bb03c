"""Which of Airflow's constraints a lock gave up, and what forced it."""

from __future__ import annotations

import dataclasses

from builder.image.lock.constraints import ConstraintsFile
from builder.image.lock.dropped_constraints import find_dropped_constraints
from builder.image.lock.model import Distribution, Lock

SHA = "00" * 32


def distribution(name: str, version: str, *needs: str) -> Distribution:
    return Distribution(name, version, "wheel", SHA, 1, needs)


def test_each_constraint_given_up_names_what_forced_it(lock: Lock) -> None:
    constraints = ConstraintsFile(
        "v", SHA, {"pyparsing": "3.1.1", "numpy": "1.24.4", "six": "1.16", "absent": "1", "odd": "1"}
    )
    locked = [
        distribution("matplotlib", "3.7.2", "pyparsing<3.1,>=2.3.1", "numpy>=1.20"),
        distribution("numpy", "1.24.3"),
        distribution("odd", "2"),
        distribution("pyparsing", "3.0.9"),
        distribution("six", "1.16"),
    ]
    before = dataclasses.replace(lock, given_up=(), python=(distribution("odd", "2"),))
    found = find_dropped_constraints(constraints, ["numpy==1.24.3"], locked, before)
    assert [(one.name, one.constrained, one.locked) for one in found] == [
        ("numpy", "1.24.4", "1.24.3"),
        ("odd", "1", "2"),
        ("pyparsing", "3.1.1", "3.0.9"),
    ]
    assert found[0].forced_by == "the spec asks for numpy==1.24.3"
    assert found[1].forced_by == "the version of the previous lock was kept"
    assert found[2].forced_by == "matplotlib 3.7.2 needs pyparsing<3.1,>=2.3.1"


def test_without_constraints_nothing_is_given_up() -> None:
    assert find_dropped_constraints(None, ["a"], [distribution("a", "1")], None) == ()


def test_the_lock_before_is_not_blamed_for_what_it_did_not_hold(lock: Lock) -> None:
    constraints, rows = ConstraintsFile("v", SHA, {"odd": "1"}), [distribution("odd", "2")]
    first = find_dropped_constraints(constraints, [], rows, lock)
    assert first[0].forced_by == "what else is locked leaves no room for 1"
    after = dataclasses.replace(lock, given_up=first, python=tuple(rows))
    assert find_dropped_constraints(constraints, [], rows, after) == first  # locked again: the same text
    assert find_dropped_constraints(constraints, [], rows, None) == first


def test_what_the_foundation_has_is_blamed_and_not_listed(lock: Lock) -> None:
    """It is the constraints' result, or its maker's choice; only what is added or replaced is this lock's."""
    constraints = ConstraintsFile("v", SHA, {"redis": "5.0", "celery": "5.4"})
    others = [("celery 5.3", ("redis<5",))]
    (found,) = find_dropped_constraints(constraints, [], [distribution("redis", "4.6")], lock, others=others)
    assert (found.name, found.forced_by) == ("redis", "celery 5.3 of the base needs redis<5")
