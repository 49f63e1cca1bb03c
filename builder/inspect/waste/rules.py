"""All rules, in the order in which they may claim bytes: the more precise ones first.

A new rule is a row here, its text in the catalog and in ``templates/explain``, and a function in a file of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.findings.catalog import CATALOG, Severity
from builder.inspect.waste.auto_installed import unasked
from builder.inspect.waste.caches import caches, system
from builder.inspect.waste.compilers import compilers
from builder.inspect.waste.context import Ledger, Look
from builder.inspect.waste.cuda import cuda
from builder.inspect.waste.duplicates import copies
from builder.inspect.waste.hidden import deleted, replaced, rewritten, secrets
from builder.inspect.waste.not_imported import bytecode, source_maps, symbols, tests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from builder.inspect.model import Waste

RULES: dict[str, Callable[[Look, Ledger], Iterator[Waste]]] = {
    "OB401": rewritten,
    "OB404": secrets,
    "OB403": deleted,
    "OB402": replaced,
    "OB405": caches,
    "OB406": system,
    "OB407": compilers,
    "OB408": cuda,
    "OB409": tests,
    "OB410": source_maps,
    "OB411": bytecode,
    "OB412": copies,
    "OB413": symbols,
    "OB414": unasked,
}
"""Code → its rule, which yields no other."""


def waste_of(look: Look) -> tuple[Waste, ...]:
    """Everything that any rule finds: errors first, then largest first."""
    ledger = Ledger(look)
    found = [waste for rule in RULES.values() for waste in rule(look, ledger)]
    return tuple(sorted(found, key=_order))


def _order(one: Waste) -> tuple[bool, int, str, int, str]:
    return CATALOG[one.code].severity < Severity.ERROR, -one.bytes, one.code, one.layer or 0, one.message
