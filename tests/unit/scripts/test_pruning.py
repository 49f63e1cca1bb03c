"""Rules of [slim] on what an image of somebody else gets: as in a base of our own, and never on what it has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from build_scripts import load_build_script

from builder.core.slim_rules import RULES, Scope
from builder.inspect.pruned import find_pruned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

FILES = {
    "/var/lib/dpkg/info/git.symbols": 100,
    "/usr/lib/x86_64-linux-gnu/gconv/CP1251.so": 200,
    "/usr/share/zoneinfo/right/Europe/Paris": 300,
    "/usr/bin/perl": 400,
    "/usr/share/bug/git/control": 500,
    "/usr/bin/git": 600,
}
EVERY_RULE = [rule.name for rule in RULES if rule.scope is Scope.BASE]


@pytest.fixture
def pruning() -> Iterator[ModuleType]:
    with load_build_script("pruning", "foundation") as module:
        yield module


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path, size in FILES.items():
        write(tmp_path / path.lstrip("/"), "x" * size)
    write(tmp_path / "var/lib/dpkg/info/perl-base.list", "/.\n/bin\n/bin/perl\n")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def list_paths(root: Path) -> set[str]:
    return {f"/{path.relative_to(root)}" for path in root.rglob("*")}


def list_files(root: Path) -> set[str]:
    return {path for path in list_paths(root) if (root / path.lstrip("/")).is_file()}


def test_each_rule_takes_its_own_of_what_was_added(pruning: ModuleType, root: Path) -> None:
    pruning.prune(root, list_paths(root), EVERY_RULE)
    left = list_files(root)
    assert left == {"/usr/bin/git", "/var/lib/dpkg/info/perl-base.list", f"/{pruning.LEDGER}"}
    assert "/usr/share/zoneinfo" not in list_paths(root), "a folder that is empty now"
    found = find_pruned({f"/{pruning.LEDGER}": (root / pruning.LEDGER).read_bytes()})
    assert {one.rule: (one.files, one.bytes) for one in found} == {
        "dpkg-symbols": (1, 100),
        "gconv": (1, 200),
        "leap-second-zones": (1, 300),
        "perl": (1, 400),
    }


def test_what_the_image_has_stays(pruning: ModuleType, root: Path) -> None:
    before = list_files(root)
    pruning.prune(root, [], EVERY_RULE)
    assert list_files(root) == before


def test_without_a_rule_only_what_nobody_reads_goes(pruning: ModuleType, root: Path) -> None:
    before = list_files(root)
    pruning.prune(root, list_paths(root), pruning.read_rules(root / "absent.json"))
    assert before - list_files(root) == {"/usr/share/bug/git/control"}
    assert not (root / pruning.LEDGER).exists()


@pytest.mark.parametrize(
    ("said", "files"),
    [
        (json.dumps({"schema_version": 1, "rules": {"gconv": {"files": 2, "bytes": 5}}}), 3),
        ("no JSON", 1),
        ('{"rules": {"gconv": 7}}', 1),
        ('{"rules": {"gconv": {"files": "x", "bytes": 1}}}', 1),
    ],
)
def test_the_ledger_of_a_base_is_added_to(pruning: ModuleType, root: Path, said: str, files: int) -> None:
    write(root / pruning.LEDGER, said)
    pruning.prune(root, list_paths(root), ["gconv"])
    assert json.loads((root / pruning.LEDGER).read_text())["rules"]["gconv"]["files"] == files
