"""The build's own scripts, run as the builder stage runs them: what breaks ends it by name, what is needed stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from builder.core import elf
from builder.core.resources import find_template_folder

PROVIDER = {"provider/__init__.py": "", "provider/tests/__init__.py": "", "provider/tests/data.py": "VALUE = 1\n"}
USER = {"user/__init__.py": "def load():\n    from provider.tests.data import VALUE\n    return VALUE\n"}


class Builder:
    """The scripts beside elf.py, an environment, and the folders of a builder stage."""

    def __init__(self, folder: Path, rules: list[str]) -> None:
        self.scripts, self.base = folder / "scripts", folder / "venv"
        self.site = self.base / "lib/python3/site-packages"
        self.rules = rules
        self.folders = {"base": self.base, "site": self.site, "cache": folder / "cache", "notes": folder / "notes"}
        for path in (self.scripts, self.site, self.folders["cache"]):
            path.mkdir(parents=True)
        for script in (find_template_folder() / "scripts").glob("*.py"):
            (self.scripts / script.name).write_bytes(script.read_bytes())
        (self.scripts / "elf.py").write_bytes(Path(elf.__file__).read_bytes())
        (self.scripts / "slim.json").write_text(json.dumps(rules))

    def install(self, name: str, files: dict[str, str]) -> str:
        """A distribution, as the installer leaves it; the job that finishes it."""
        record = self.site / f"{name}-1.dist-info/RECORD"
        for path, text in files.items():
            (self.site / path).parent.mkdir(parents=True, exist_ok=True)
            (self.site / path).write_text(text)
        record.parent.mkdir()
        record.write_text("".join(f"{path},,\n" for path in files) + f"{name}-1.dist-info/RECORD,,\n")
        paths = [str(self.site / path) for path in files] + [str(record)]
        job = {key: str(path) for key, path in (self.folders | {"record": record}).items()}
        return json.dumps(job | {"files": paths, "rules": self.rules})

    def run(self, script: str, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(self.scripts / script), *arguments]
        environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(command, input=text, env=environment, capture_output=True, text=True, check=False)

    def finish_and_check(self, *jobs: str) -> subprocess.CompletedProcess[str]:
        done = self.run("distribution.py", "2", text="".join(f"{job}\n" for job in jobs))
        assert done.returncode == 0, done.stderr
        return self.run("finish.py", "check", str(self.folders["notes"]))


def test_an_import_of_anothers_tests_fails_the_build_by_name(tmp_path: Path) -> None:
    builder = Builder(tmp_path, ["tests"])
    checked = builder.finish_and_check(builder.install("provider", PROVIDER), builder.install("user", USER))
    assert checked.returncode == 1
    assert "user imports provider.tests.data, which the rule `tests` took from provider\n" in checked.stderr
    assert not (builder.site / "provider/tests").joinpath("data.py").exists()


@pytest.mark.parametrize("rules", [[], ["type-stubs"]])
def test_with_the_rule_off_it_passes(tmp_path: Path, rules: list[str]) -> None:
    builder = Builder(tmp_path, rules)
    checked = builder.finish_and_check(builder.install("provider", PROVIDER), builder.install("user", USER))
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_tests_that_the_package_itself_imports_stay_with_their_bytecode(tmp_path: Path) -> None:
    builder = Builder(tmp_path, ["tests"])
    own = {**PROVIDER, "provider/__init__.py": "from provider.tests import data\n"}
    checked = builder.finish_and_check(builder.install("provider", own))
    assert checked.returncode == 0, checked.stderr
    loaded = subprocess.run(
        [sys.executable, "-S", "-c", "import provider; print(provider.data.VALUE)"],
        env={**os.environ, "PYTHONPATH": str(builder.site)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout == "1\n"
    assert [*builder.site.glob("provider/tests/__pycache__/data.*.pyc")]


def test_finish_compiles_without_columns_where_they_are_not_wanted(tmp_path: Path) -> None:
    """It starts itself again so; with a wrong command it says how it is used, in that second run."""
    for rules in ([], ["column-positions"]):
        builder = Builder(tmp_path / str(len(rules)), rules)
        show = "import os, sys\nsys.stderr.write(os.environ.get('PYTHONNODEBUGRANGES', '-'))\n"
        (builder.scripts / "check.py").write_text(show)
        shown = builder.run("finish.py", "nothing").stderr.split("Makes an installed tree")[0]
        assert shown == ("-1" if rules else "-")
