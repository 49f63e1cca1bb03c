"""Whether every module that could be imported before pruning still can. Reads what distribution.py noted of each.

Only imports with a fixed name are known, see imports.py. Nothing is imported here: `optbuild build --reproduce` and the
long tests import every module, this runs in each build.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import prune_exceptions
from imports import list_packages


@dataclass(frozen=True)
class Notes:
    """One distribution, see distribution.write_notes."""

    distribution: str
    gone: dict[str, str]
    """Module that was pruned → rule."""
    modules: frozenset[str]
    imports: dict[str, tuple[frozenset[str], frozenset[str]]]
    """Module → what it imports when it is imported, and what it imports later."""
    entry_points: tuple[str, ...]


@dataclass(frozen=True)
class LostImport:
    """``importer`` is a module, or ``entry point of DISTRIBUTION``; ``target`` can no longer be imported."""

    importer: str
    target: str
    reason: str

    def describe(self) -> str:
        return f"{self.importer} imports {self.target}, {self.reason}"


def read_notes(folder: Path) -> list[Notes]:
    """All notes below ``folder``."""
    return [_parse_notes(json.loads(file.read_text("utf-8"))) for file in sorted(folder.rglob("*.json"))]


def find_lost_imports(notes: list[Notes]) -> list[LostImport]:
    """Imports that pruning broke, except those that the committed list knows; modules in order."""
    left = list_packages({module for one in notes for module in one.modules})
    rules = {module: (one.distribution, rule) for one in notes for module, rule in one.gone.items()}
    gone = list_packages(set(rules)) - left
    dead = _find_dead_importers(notes, gone)
    found = []
    for one in notes:
        for module, kinds in sorted(one.imports.items()):
            if not prune_exceptions.is_dead_importer(one.distribution, module):
                found += [
                    LostImport(module, name, _explain(name, gone, rules)) for name in _list_lost(kinds, gone | dead)
                ]
        lost = sorted(list_packages(set(one.entry_points)) & (gone | dead))
        found += [
            LostImport(f"an entry point of {one.distribution}", name, _explain(name, gone, rules)) for name in lost
        ]
    return found


def check(folder: Path) -> None:
    """Raise SystemExit with every lost import by name."""
    lost = find_lost_imports(read_notes(folder))
    if lost:
        lines = "\n".join(f"  {one.describe()}" for one in lost)
        raise SystemExit(
            f"check.py: pruning broke {len(lost)} imports:\n{lines}\n"
            "Set the rule to true under [slim] in optbuild.toml, so that these files stay; and report it, so that the "
            "list of exceptions gets an entry."
        )


def _parse_notes(note: dict[str, Any]) -> Notes:
    return Notes(
        note["distribution"],
        note["gone"],
        frozenset(note["modules"]),
        {name: (frozenset(first), frozenset(later)) for name, (first, later) in note["imports"].items()},
        tuple(note["entry_points"]),
    )


def _find_dead_importers(notes: list[Notes], gone: set[str]) -> set[str]:
    """Modules of the committed list that can no longer be imported: whoever imports one of them is lost too."""
    return {
        module
        for one in notes
        for module, (at_import, _) in one.imports.items()
        if at_import & gone and prune_exceptions.is_dead_importer(one.distribution, module)
    }


def _list_lost(kinds: tuple[frozenset[str], frozenset[str]], lost: set[str]) -> list[str]:
    return sorted((kinds[0] | kinds[1]) & lost)


def _explain(name: str, gone: set[str], rules: dict[str, tuple[str, str]]) -> str:
    if name not in gone:
        return "which is on the list of modules that nobody imports"
    distribution, rule = next(
        owner for module, owner in sorted(rules.items()) if module == name or module.startswith(f"{name}.")
    )
    return f"which the rule `{rule}` took from {distribution}"
