"""What is done to one distribution: pruned, compiled, stripped, and written down.

The script runs inside the build, beside elf.py, and uses what that reads: nothing else tells when a part of it is gone.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from build_scripts import load_build_script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType


@pytest.fixture
def distribution() -> Iterator[ModuleType]:
    with load_build_script("distribution") as module:
        yield module


def test_a_file_without_a_hash_in_record_is_read_itself(distribution: ModuleType, tmp_path: Path) -> None:
    """Else the result of another wheel with the same names would be taken from the cache."""
    record = tmp_path / "site-packages/alpha-1.0.dist-info/RECORD"
    record.parent.mkdir(parents=True)
    record.write_text("alpha/a.py,sha256=xyz,3\nalpha/b.py,,\nalpha-1.0.dist-info/RECORD,,\n")
    assert distribution.list_hashed(record) == {f"{tmp_path}/site-packages/alpha/a.py"}
    assert distribution.list_hashed(None) == frozenset()


FILES = {
    "pkg/__init__.py": "from pkg.tests import helper\n",
    "pkg/tests/__init__.py": "",
    "pkg/tests/helper.py": "from pkg.more.tests.deep import x\n",
    "pkg/more/__init__.py": "",
    "pkg/more/tests/deep.py": "x = 1\n",
    "pkg/other/tests/test_a.py": "import pkg\n",
    "pkg/source.c": "int x;\n",
    "pkg-1.dist-info/entry_points.txt": "[console_scripts]\npkg = pkg.main:run [extra]\n",
}


class Environment:
    """A made-up virtual environment with one distribution, ``pkg``."""

    def __init__(self, folder: Path) -> None:
        self.base = folder / "venv"
        self.site = self.base / "lib/python3.11/site-packages"
        self.cache, self.notes = folder / "cache", folder / "notes"
        self.record = self.site / "pkg-1.dist-info/RECORD"
        self.cache.mkdir(exist_ok=True)
        for name, text in FILES.items():
            file = self.site / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        self.write_record(*FILES)

    def write_record(self, *names: str) -> None:
        rows = "".join(f"{name},sha256=x,1\n" for name in names)
        self.record.write_text(f"{rows}pkg-1.dist-info/RECORD,,\n", "utf-8")

    def make_job(self, module: ModuleType, *files: str, rules: tuple[str, ...] = ("tests", "compiler-sources")) -> Any:
        paths = [str(self.site / name) for name in (*(files or FILES), "pkg-1.dist-info/RECORD")]
        return module.Job(
            base=str(self.base),
            site=str(self.site),
            cache=self.cache,
            notes=self.notes,
            record=self.record,
            rules=rules,
            files=module.list_inside(self.base, paths),
        )

    def list_files(self) -> dict[str, bytes]:
        files = (path for path in self.base.rglob("*") if path.is_file())
        return {path.relative_to(self.site).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path)


def test_tests_that_are_imported_stay_and_others_go(distribution: ModuleType, environment: Environment) -> None:
    distribution.finish(environment.make_job(distribution))
    left = environment.list_files()
    assert {"pkg/tests/helper.py", "pkg/more/tests/deep.py"} <= {*left}
    assert not {"pkg/other/tests/test_a.py", "pkg/source.c"} & {*left}
    assert any(name.startswith("pkg/more/tests/__pycache__/deep.") for name in left)


def test_tests_that_an_entry_point_names_stay(distribution: ModuleType, environment: Environment) -> None:
    """networkx names a module of its tests among its backends, which load by name."""
    points = "[networkx.backends]\nloopback = pkg.other.tests.test_a:interface\n"
    (environment.site / "pkg-1.dist-info/entry_points.txt").write_text(points)
    distribution.finish(environment.make_job(distribution))
    assert "pkg/other/tests/test_a.py" in environment.list_files()
    with load_build_script("check") as check:
        assert check.find_lost_imports(check.read_notes(environment.notes)) == []


def test_the_ledger_and_record_say_what_went(distribution: ModuleType, environment: Environment) -> None:
    distribution.finish(environment.make_job(distribution))
    ledger = environment.site / "pkg-1.dist-info/optbuild-pruned.json"
    test_bytes = len(FILES["pkg/other/tests/test_a.py"])
    assert json.loads(ledger.read_text()) == {
        "schema_version": 1,
        "rules": {"compiler-sources": {"files": 1, "bytes": 7}, "tests": {"files": 1, "bytes": test_bytes}},
    }
    rows = environment.record.read_text().splitlines()
    assert any(row.startswith("pkg-1.dist-info/optbuild-pruned.json,sha256=") for row in rows)
    assert not any("source.c" in row or "test_a" in row for row in rows)


def test_what_the_installer_notes_changes_nothing(distribution: ModuleType, tmp_path: Path) -> None:
    """It holds the time in nanoseconds, without the zeros at its end: every tenth is shorter, and no two are equal."""
    found = []
    for note in ('{"nanos": 123456789}', '{"nanos": 12345678}', ""):
        environment = Environment(tmp_path)
        name = "pkg-1.dist-info/uv_cache.json"
        (environment.site / name).write_text(note)
        environment.write_record(*FILES, name)
        distribution.finish(environment.make_job(distribution, *FILES, name))
        found.append(environment.list_files())
        for folder in (environment.base, environment.cache):  # the next one is made anew, at the same place
            shutil.rmtree(folder)
    assert found[0] == found[1] == found[2]
    assert "pkg-1.dist-info/uv_cache.json" not in found[0]


def test_nothing_pruned_leaves_no_ledger(distribution: ModuleType, environment: Environment) -> None:
    distribution.finish(environment.make_job(distribution, rules=()))
    assert "pkg-1.dist-info/optbuild-pruned.json" not in environment.list_files()
    assert "pkg/source.c" in environment.list_files()


def test_a_second_run_takes_it_all_from_the_cache(
    distribution: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Environment(tmp_path)
    distribution.finish(first.make_job(distribution))
    files, notes = first.list_files(), (first.notes / "pkg.json").read_text()
    first.base.rename(tmp_path / "done")
    second = Environment(tmp_path)
    monkeypatch.setattr(distribution, "process", lambda _: pytest.fail("did the work again"))
    distribution.finish(second.make_job(distribution))
    assert second.list_files() == files
    assert (second.notes / "pkg.json").read_text() == notes


def test_another_choice_of_rules_is_other_work(distribution: ModuleType, environment: Environment) -> None:
    keys = {distribution.cache_key(environment.make_job(distribution, rules=rules)) for rules in ((), ("tests",))}
    assert len(keys) == 2


def test_the_notes_hold_what_the_check_reads(distribution: ModuleType, environment: Environment) -> None:
    distribution.finish(environment.make_job(distribution))
    with load_build_script("check") as check:
        (notes,) = check.read_notes(environment.notes)
    assert notes.gone == {"pkg.other.tests.test_a": "tests"}
    assert {"pkg", "pkg.tests.helper", "pkg.more.tests.deep"} <= notes.modules
    assert notes.imports["pkg.tests.helper"][0] == {"pkg.more.tests.deep", "pkg.more.tests.deep.x"}
    assert notes.entry_points == ("pkg.main",)


@pytest.mark.parametrize("hostile", ["../../../../outside/x.c", "/outside/x.c", "link/x.c"])
def test_a_record_never_leads_out_of_the_environment(
    distribution: ModuleType, environment: Environment, tmp_path: Path, hostile: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.c").write_text("mine")
    (environment.site / "link").symlink_to(outside)
    name = hostile if not hostile.startswith("/") else str(outside / "x.c")
    environment.write_record(*FILES, name)
    distribution.finish(environment.make_job(distribution, *FILES, name))
    assert (outside / "x.c").read_text() == "mine"
    assert [path.name for path in outside.iterdir()] == ["x.c"]


def test_symbols_stay_where_the_rule_is_off(distribution: ModuleType, environment: Environment) -> None:
    file = environment.site / "pkg/lib.so"
    file.write_bytes(b"\x7fELF whatever")
    distribution.finish(environment.make_job(distribution, "pkg/lib.so", rules=()))  # no process: the tripwire is set
    assert file.read_bytes() == b"\x7fELF whatever"
