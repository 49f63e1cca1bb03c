"""A module that pruning broke fails the build by name; what is known or was never there does not."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from build_scripts import load_build_script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType


@pytest.fixture
def check() -> Iterator[ModuleType]:
    with load_build_script("check") as module:
        yield module


def write_notes(folder: Path, name: str, **changes: object) -> None:
    note = {"distribution": name, "pruned": {}, "gone": {}, "modules": [name], "imports": {}, "entry_points": []}
    (folder / f"{name}.json").write_text(json.dumps(note | changes), "utf-8")


def test_a_lost_import_fails_by_name(check: ModuleType, tmp_path: Path) -> None:
    write_notes(tmp_path, "numpy", gone={"numpy._core.tests._natype": "tests"}, modules=["numpy", "numpy._core"])
    write_notes(tmp_path, "scipy", imports={"scipy.compat": [["os", "numpy._core.tests", "numpy._core"], []]})
    with pytest.raises(SystemExit) as caught:
        check.check(tmp_path)
    assert "scipy.compat imports numpy._core.tests, which the rule `tests` took from numpy\n" in str(caught.value)
    assert "[slim] in optbuild.toml" in str(caught.value)


def test_an_import_in_a_function_counts(check: ModuleType, tmp_path: Path) -> None:
    write_notes(tmp_path, "a", gone={"a.tests": "tests"}, imports={"a": [[], ["a.tests"]]})
    assert [lost.importer for lost in check.find_lost_imports(check.read_notes(tmp_path))] == ["a"]


def test_an_entry_point_counts(check: ModuleType, tmp_path: Path) -> None:
    write_notes(tmp_path, "a", gone={"a.conftest": "tests"}, entry_points=["a.conftest"])
    found = [lost.describe() for lost in check.find_lost_imports(check.read_notes(tmp_path))]
    assert found == ["an entry point of a imports a.conftest, which the rule `tests` took from a"]


def test_what_another_distribution_still_has_is_not_lost(check: ModuleType, tmp_path: Path) -> None:
    write_notes(tmp_path, "a", gone={"shared.tests": "tests"}, imports={"a": [["shared"], []]})
    write_notes(tmp_path, "b", modules=["shared.module", "b"])
    assert check.find_lost_imports(check.read_notes(tmp_path)) == []


def test_a_known_dead_importer_passes_and_whoever_imports_it_does_not(check: ModuleType, tmp_path: Path) -> None:
    dead = "scipy.special._precompute.hyp2f1_data"
    scipy = {
        "gone": {"scipy.special.tests.test_hyp2f1": "tests"},
        "modules": ["scipy", dead],
        "imports": {dead: [["scipy.special.tests.test_hyp2f1"], []]},
    }
    write_notes(tmp_path, "scipy", **scipy)
    check.check(tmp_path)
    write_notes(tmp_path, "mine", imports={"mine": [[dead], []]})
    with pytest.raises(SystemExit, match=rf"mine imports {re.escape(dead)}, which is on the list"):
        check.check(tmp_path)


def test_what_was_never_installed_is_not_lost(check: ModuleType, tmp_path: Path) -> None:
    write_notes(tmp_path, "a", imports={"a": [["optional.thing", "a.attribute"], []]})
    check.check(tmp_path)
