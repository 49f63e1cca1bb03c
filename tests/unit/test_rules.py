"""The tables of rules: every code of the catalog is found by a rule, and stands where that rule is."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from source_trees import list_nodes, parse_file

from builder.compose.rules import RULES
from builder.dockerfile.lint import ADVICE
from builder.findings.catalog import CATALOG
from builder.inspect.waste.rules import RULES as WASTE_RULES

PASSED_ON = "OB301"
"""Of the rule that yields all codes of ADVICE."""
PROJECT_RULES = {code: find for code, find in RULES.items() if code != PASSED_ON}
PLACES = {
    code: (find.__module__, find.__name__) for table in (PROJECT_RULES, WASTE_RULES) for code, find in table.items()
}
"""Code → module and name of its rule."""


def strings_of(path: Path) -> set[object]:
    return {node.value for node in list_nodes(parse_file(path)) if isinstance(node, ast.Constant)}


def test_the_catalog_holds_what_the_rules_find_and_nothing_else() -> None:
    assert PASSED_ON in RULES
    assert sorted([*PROJECT_RULES, *ADVICE, *WASTE_RULES]) == sorted(CATALOG)


def test_codes_and_names_are_in_order_and_unique() -> None:
    assert list(CATALOG) == sorted(CATALOG)
    assert len({rule.name for rule in CATALOG.values()}) == len(CATALOG)


@pytest.mark.parametrize("code", PLACES)
def test_a_rule_stands_under_the_code_that_it_yields(code: str) -> None:
    assert code in strings_of(Path(str(sys.modules[PLACES[code][0]].__file__)))
