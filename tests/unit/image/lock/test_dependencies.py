"""Metadata → dependencies, and constraints that were given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.image.lock.dependencies import describe_excluded, list_root_requirements, resolve_dependencies

if TYPE_CHECKING:
    from builder.image.lock.model import Lock
    from builder.image.lock.target import LockTarget


def test_markers_are_evaluated_for_the_target(target: LockTarget) -> None:
    requires = {
        "a": (
            "colorama; sys_platform == 'win32'",
            "tomli; python_version < '3.11'",
            "uvloop>=1; platform_machine == 'x86_64' and python_full_version < '3.11.3'",
            "Typing_Extensions>=4",
        )
    }
    assert resolve_dependencies(target, ["a"], requires) == {"a": ("typing-extensions>=4", "uvloop>=1")}


def test_what_a_marker_excludes_is_listed(target: LockTarget) -> None:
    lines = ("a", "b ; python_version < '3.9'", "c ; sys_platform == 'linux'")
    said = "not in the lock, as its marker excludes Python 3.11 on linux/amd64: b ; python_version < '3.9'"
    assert describe_excluded(target, lines) == said
    assert describe_excluded(target, (lines[0], lines[2])) == ""


def test_extras_spread_and_nothing_else_does(target: LockTarget) -> None:
    requires = {
        "airflow": ("provider[sql]>=1 ; extra == 'postgres'", "celery; extra == 'celery'", "core"),
        "provider": ("sql-lib; extra == 'sql'", "other; extra == 'other'"),
        "core": ("airflow",),
    }
    found = resolve_dependencies(target, ["airflow[postgres]==2"], requires)
    assert found == {"airflow": ("core", "provider[sql]>=1"), "provider": ("sql-lib",), "core": ("airflow",)}


def test_airflow_is_always_pinned(lock: Lock) -> None:
    assert list_root_requirements(lock.inputs) == ("apache-airflow[postgres]==2.8.1", "pandas==2.0.3")
