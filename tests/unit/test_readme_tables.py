"""The tables of checks and of waste in docs/ name what the code has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from builder.airflow.releases import find_release
from builder.core.slim_rules import RULES as SLIM_RULES
from builder.findings.catalog import CATALOG
from builder.image.verify import environment
from builder.image.verify.bench import VerifyContext
from builder.image.verify.checks import CHECKS, FOREIGN_CHECKS, STATIC_CHECKS, make_check_tasks
from builder.image.verify.plan import DagFolder, VerifyPlan
from builder.inspect.waste.rules import RULES

DOCS = Path(__file__).parents[2] / "docs"
TEXT = "\n".join(path.read_text() for room in ("explanation", "how-to") for path in sorted((DOCS / room).iterdir()))


def table(head: str) -> list[list[str]]:
    """The rows of the table that begins with ``head``."""
    (text,) = re.findall(rf"^\| {head}.*\n\|---.*\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]


def checks(version: str) -> list[str]:
    """Of a plan with all roles that the version has, a broker and a folder of DAGs."""
    nothing: Any = None
    roles, dags = find_release(version).all_roles, DagFolder(Path("dags"), "dags")
    plan = VerifyPlan(version, (), roles, "postgres:13", dags=dags, broker="redis:7")
    made = VerifyContext(plan, {}, nothing, nothing, environment.NO_DATABASE, {}, nothing, "optbuild_verify_x")
    return [task.name for task in make_check_tasks(made)]


def test_each_check_is_in_the_docs_in_the_order_of_the_report() -> None:
    rows = [row[0].split(", ") for row in table("check")]
    told = [name for row in rows for name in row]
    assert set(told) == {name for version in ("2.8.1", "3.3.2") for name in checks(version)}
    roles = {role.name for version in ("2.8.1", "3.3.2") for role in find_release(version).all_roles}
    for version in ("2.8.1", "3.3.2"):
        ours = checks(version)
        assert [name for name in told if name not in roles] == [name for name in ours if name not in roles]
    assert told.index("migrations") < told.index("webserver") < told.index("dag")


def test_what_a_check_waits_for_exists() -> None:
    nothing: Any = None
    plan = VerifyPlan("2.8.1", (), find_release("2.8.1").roles, "postgres:13")
    tasks = make_check_tasks(
        VerifyContext(plan, {}, nothing, nothing, environment.NO_DATABASE, {}, nothing, "optbuild_verify_x")
    )
    named = {name for task in tasks for name in (*task.needs, *task.after, *task.blames)}
    assert named <= set(checks("2.8.1"))
    places = {task.name: place for place, task in enumerate(tasks)}
    assert all(places[need] < places[task.name] for task in tasks for need in task.needs)


def test_the_rows_of_the_table_of_checks_have_names_of_their_own() -> None:
    names = [row.name for row in CHECKS]
    assert len(set(names)) == len(names)
    assert STATIC_CHECKS | set(FOREIGN_CHECKS) <= set(names)


def test_each_code_of_waste_is_in_the_docs() -> None:
    told: list[str] = []
    for *_, codes in table("waste"):
        first, last = (int(code) for code in re.fullmatch(r"OB(\d+)-OB(\d+)", codes).groups())  # type: ignore[union-attr] # a row that does not match is an error
        told += [f"OB{number}" for number in range(first, last + 1)]
    assert told == [code for code in CATALOG if code in RULES]


def test_each_rule_of_slim_is_in_the_docs_with_its_default_and_reason() -> None:
    rows = [[f"`{one.name}`", "stays" if one.stays else "goes", one.what, one.reason] for one in SLIM_RULES]
    assert table("key") == rows


def test_the_rules_that_take_something_with_them_are_the_last_five() -> None:
    assert [one.stays for one in SLIM_RULES] == [False] * (len(SLIM_RULES) - 5) + [True] * 5
