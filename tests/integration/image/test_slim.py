"""The build's own scripts, run as the builder stage runs them: what breaks ends it by name, what is needed stays."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from script_stage import ScriptStage

if TYPE_CHECKING:
    from pathlib import Path

PROVIDER = {"provider/__init__.py": "", "provider/tests/__init__.py": "", "provider/tests/data.py": "VALUE = 1\n"}
USER = {"user/__init__.py": "def load():\n    from provider.tests.data import VALUE\n    return VALUE\n"}


def finish_and_check(stage: ScriptStage) -> subprocess.CompletedProcess[str]:
    done = stage.finish()
    assert done.returncode == 0, done.stderr
    return stage.check()


def test_an_import_of_anothers_tests_fails_the_build_by_name(tmp_path: Path) -> None:
    stage = ScriptStage(tmp_path, ["tests"])
    stage.install("provider", PROVIDER)
    stage.install("user", USER)
    checked = finish_and_check(stage)
    assert checked.returncode == 1
    assert "user imports provider.tests.data, which the rule `tests` took from provider\n" in checked.stderr
    assert not (stage.site / "provider/tests").joinpath("data.py").exists()


@pytest.mark.parametrize("rules", [[], ["type-stubs"]])
def test_with_the_rule_off_it_passes(tmp_path: Path, rules: list[str]) -> None:
    stage = ScriptStage(tmp_path, rules)
    stage.install("provider", PROVIDER)
    stage.install("user", USER)
    checked = finish_and_check(stage)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_tests_that_the_package_itself_imports_stay_with_their_bytecode(tmp_path: Path) -> None:
    stage = ScriptStage(tmp_path, ["tests"])
    stage.install("provider", {**PROVIDER, "provider/__init__.py": "from provider.tests import data\n"})
    checked = finish_and_check(stage)
    assert checked.returncode == 0, checked.stderr
    loaded = subprocess.run(
        [sys.executable, "-S", "-c", "import provider; print(provider.data.VALUE)"],
        env={**os.environ, "PYTHONPATH": str(stage.site)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout == "1\n"
    assert [*stage.site.glob("provider/tests/__pycache__/data.*.pyc")]


def test_finish_compiles_without_columns_where_they_are_not_wanted(tmp_path: Path) -> None:
    """It starts itself again so; with a wrong command it says how it is used, in that second run."""
    for rules in ([], ["column-positions"]):
        stage = ScriptStage(tmp_path / str(len(rules)), rules)
        show = "import os, sys\nsys.stderr.write(os.environ.get('PYTHONNODEBUGRANGES', '-'))\n"
        (stage.scripts / "check.py").write_text(show)
        shown = stage.run("finish.py", "nothing").stderr.split("Makes an installed tree")[0]
        assert shown == ("-1" if rules else "-")
