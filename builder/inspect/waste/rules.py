"""All rules, in the order in which they may claim bytes: the more precise ones first.

A new rule is a row here, its text in the catalog and in ``templates/explain``, and a function in a file of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.findings.catalog import CATALOG, Severity
from builder.inspect.waste.auto_installed import find_auto_installed
from builder.inspect.waste.caches import find_installer_caches, find_system_caches
from builder.inspect.waste.compilers import find_build_tools
from builder.inspect.waste.context import WasteContext, WasteLedger
from builder.inspect.waste.cuda import find_cuda_libraries
from builder.inspect.waste.duplicates import find_duplicate_content
from builder.inspect.waste.environments import find_foreign_environments
from builder.inspect.waste.hidden import (
    find_deleted_files,
    find_replaced_files,
    find_rewritten_files,
)
from builder.inspect.waste.leftovers import find_core_dumps, find_databases, find_repositories
from builder.inspect.waste.not_imported import (
    find_debug_symbols,
    find_installed_tests,
    find_source_maps,
    find_unused_bytecode,
)
from builder.inspect.waste.secrets import find_hidden_secrets, find_visible_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from builder.inspect.model import Waste

RULES: dict[str, Callable[[WasteContext, WasteLedger], Iterator[Waste]]] = {
    "OB401": find_rewritten_files,
    "OB404": find_hidden_secrets,
    "OB415": find_visible_secrets,
    "OB403": find_deleted_files,
    "OB402": find_replaced_files,
    "OB405": find_installer_caches,
    "OB406": find_system_caches,
    "OB417": find_foreign_environments,
    "OB416": find_repositories,
    "OB419": find_databases,
    "OB418": find_core_dumps,
    "OB407": find_build_tools,
    "OB408": find_cuda_libraries,
    "OB409": find_installed_tests,
    "OB410": find_source_maps,
    "OB411": find_unused_bytecode,
    "OB412": find_duplicate_content,
    "OB413": find_debug_symbols,
    "OB414": find_auto_installed,
}
"""Code → its rule, which yields no other."""


def find_waste(context: WasteContext) -> tuple[Waste, ...]:
    """Everything that any rule finds: errors first, then largest first."""
    ledger = WasteLedger(context)
    found = [waste for rule in RULES.values() for waste in rule(context, ledger)]
    return tuple(sorted(found, key=_make_severity_key))


def _make_severity_key(one: Waste) -> tuple[bool, int, str, int, str]:
    return CATALOG[one.code].severity < Severity.ERROR, -one.bytes, one.code, one.layer or 0, one.message
