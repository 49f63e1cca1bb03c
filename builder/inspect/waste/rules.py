"""All rules, in the order in which they may claim bytes: the more precise ones first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.catalog import CATALOG, Severity
from builder.inspect.waste.caches import caches, system
from builder.inspect.waste.compilers import compilers
from builder.inspect.waste.copies import copies
from builder.inspect.waste.cuda import cuda
from builder.inspect.waste.hidden import deleted, replaced, rewritten, secrets
from builder.inspect.waste.look import Ledger, Look
from builder.inspect.waste.unasked import unasked
from builder.inspect.waste.unused import bytecode, source_maps, symbols, tests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from builder.inspect.model import Waste

RULES: tuple[Callable[[Look, Ledger], Iterator[Waste]], ...] = (
    rewritten,
    secrets,
    deleted,
    replaced,
    caches,
    system,
    compilers,
    cuda,
    tests,
    source_maps,
    bytecode,
    copies,
    symbols,
    unasked,
)


def waste_of(look: Look) -> tuple[Waste, ...]:
    """Everything that any rule finds: errors first, then largest first."""
    ledger = Ledger(look)
    found = [waste for rule in RULES for waste in rule(look, ledger)]
    return tuple(sorted(found, key=_order))


def _order(one: Waste) -> tuple[bool, int, str, int, str]:
    return CATALOG[one.code].severity < Severity.ERROR, -one.bytes, one.code, one.layer or 0, one.message
