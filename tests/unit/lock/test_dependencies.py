"""Metadata → dependencies, and constraints that were given up."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from builder.lock.constraints import ConstraintsFile
from builder.lock.dependencies import dependencies, root_requirements
from builder.lock.givenup import given_up
from builder.lock.model import Distribution, Lock

if TYPE_CHECKING:
    from builder.lock.target import Target

SHA = "00" * 32


def test_markers_are_evaluated_for_the_target(target: Target) -> None:
    requires = {
        "a": (
            "colorama; sys_platform == 'win32'",
            "tomli; python_version < '3.11'",
            "uvloop>=1; platform_machine == 'x86_64' and python_full_version < '3.11.3'",
            "Typing_Extensions>=4",
        )
    }
    assert dependencies(target, ["a"], requires) == {"a": ("typing-extensions>=4", "uvloop>=1")}


def test_extras_spread_and_nothing_else_does(target: Target) -> None:
    requires = {
        "airflow": ("provider[sql]>=1 ; extra == 'postgres'", "celery; extra == 'celery'", "core"),
        "provider": ("sql-lib; extra == 'sql'", "other; extra == 'other'"),
        "core": ("airflow",),
    }
    found = dependencies(target, ["airflow[postgres]==2"], requires)
    assert found == {"airflow": ("core", "provider[sql]>=1"), "provider": ("sql-lib",), "core": ("airflow",)}


def test_airflow_is_always_pinned(lock: Lock) -> None:
    assert root_requirements(lock.inputs) == ("apache-airflow[postgres]==2.8.1", "pandas==2.0.3")


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
    found = given_up(constraints, ["numpy==1.24.3"], locked, before)
    assert [(one.name, one.constrained, one.locked) for one in found] == [
        ("numpy", "1.24.4", "1.24.3"),
        ("odd", "1", "2"),
        ("pyparsing", "3.1.1", "3.0.9"),
    ]
    assert found[0].forced_by == "the spec asks for numpy==1.24.3"
    assert found[1].forced_by == "the version of the previous lock was kept"
    assert found[2].forced_by == "matplotlib 3.7.2 needs pyparsing<3.1,>=2.3.1"


def test_without_constraints_nothing_is_given_up() -> None:
    assert given_up(None, ["a"], [distribution("a", "1")], None) == ()


def test_the_lock_before_is_not_blamed_for_what_it_did_not_hold(lock: Lock) -> None:
    constraints, rows = ConstraintsFile("v", SHA, {"odd": "1"}), [distribution("odd", "2")]
    first = given_up(constraints, [], rows, lock)
    assert first[0].forced_by == "what else is locked leaves no room for 1"
    after = dataclasses.replace(lock, given_up=first, python=tuple(rows))
    assert given_up(constraints, [], rows, after) == first  # locked again: the same text
    assert given_up(constraints, [], rows, None) == first
