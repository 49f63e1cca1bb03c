"""The console script of Airflow: the collector rests while it imports, and works when Airflow begins.

Each test runs the script's own text, with an ``airflow.__main__`` that only looks at the collector.
"""

from __future__ import annotations

import base64
import gc
import hashlib
import importlib.util
import sys
import types
from typing import TYPE_CHECKING

import pytest

from builder.airflow.releases import SERIES
from builder.core.resources import find_template_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCRIPT = """\
#!/home/airflow/.local/bin/python
# -*- coding: utf-8 -*-
import sys
from airflow.__main__ import main
if __name__ == "__main__":
    if sys.argv[0].endswith("-script.pyw"):
        sys.argv[0] = sys.argv[0][:-11]
    sys.exit(main())
"""
RECORD = """\
../../../bin/airflow,sha256=8vh5rG9gBkQTCLWm4EuYvZrdO6hdSGKj3kQyBSX5-yE,313
airflow/__init__.py,sha256=abc,5
apache_airflow-2.8.1.dist-info/RECORD,,
"""


@pytest.fixture
def start_script(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(
        "optbuild_scripts_start_script", find_template_folder() / "scripts/start_script.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


class LookingFinder:
    """Gives ``airflow.__main__``, which notes whether the collector is on: at its import, and when it is called."""

    def __init__(self) -> None:
        self.seen: list[bool] = []
        self.calls: list[tuple[str, bool]] = []
        """Of the collector's functions, with whether it was on."""

    def call(self, name: str) -> None:
        self.calls.append((name, gc.isenabled()))

    def make(self) -> types.ModuleType:
        module = types.ModuleType("airflow.__main__")

        def find(name: str) -> object:
            """What the script takes from the module, asked for while it imports."""
            if name != "main":
                raise AttributeError(name)
            self.seen.append(gc.isenabled())
            return lambda: self.seen.append(gc.isenabled())

        module.__getattr__ = find  # type: ignore[method-assign]  # PEP 562
        return module


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> Iterator[LookingFinder]:
    finder = LookingFinder()
    monkeypatch.setitem(sys.modules, "airflow", types.ModuleType("airflow"))
    monkeypatch.setitem(sys.modules, "airflow.__main__", finder.make())
    monkeypatch.setattr(sys, "argv", ["airflow"])
    for name in ("collect", "freeze"):  # what this process has made takes the real ones a second, and every later test
        monkeypatch.setattr(gc, name, lambda name=name: finder.call(name))
    yield finder
    gc.enable()


def run(text: str) -> None:
    with pytest.raises(SystemExit):
        exec(compile(text, "airflow", "exec"), {"__name__": "__main__"})  # noqa: S102 - the script as it is run


def test_the_collector_rests_during_the_import_only(start_script: types.ModuleType, looking: LookingFinder) -> None:
    run(start_script.pause_collector(SCRIPT))
    assert looking.seen == [False, True]
    assert looking.calls == [("collect", False), ("freeze", False)]


@pytest.mark.parametrize("command", ["scheduler", "webserver", "celery"])
def test_what_stays_starts_as_it_always_did(
    start_script: types.ModuleType, looking: LookingFinder, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """It would take more memory."""
    monkeypatch.setattr(sys, "argv", ["airflow", command, "worker"])
    run(start_script.pause_collector(SCRIPT))
    assert (looking.seen, looking.calls) == ([True, True], [])


def test_every_command_of_a_role_is_known(start_script: types.ModuleType) -> None:
    roles = (one.role for series in SERIES for one in series.all_roles)
    assert {role.command[0] for role in roles if role.command and role.name != "init"} <= {*start_script.SERVERS}


def test_the_installer_s_own_script_lets_it_work_all_the_time(looking: LookingFinder) -> None:
    run(SCRIPT)
    assert looking.seen == [True, True]


def test_a_collector_that_stays_off_is_seen(start_script: types.ModuleType, looking: LookingFinder) -> None:
    """The test above can fail."""
    run(start_script.pause_collector(SCRIPT).replace("    gc.enable()\n", ""))
    assert looking.seen == [False, False]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(SCRIPT.replace("airflow.__main__", "airflow.cli"), id="another import"),
        pytest.param(SCRIPT.replace("from airflow.__main__", "    from airflow.__main__"), id="within a block"),
        pytest.param(SCRIPT + "from airflow.__main__ import main\n", id="twice"),
    ],
)
def test_a_script_of_another_shape_ends_the_build(start_script: types.ModuleType, text: str) -> None:
    with pytest.raises(SystemExit, match="pause-gc-at-start = false"):
        start_script.pause_collector(text)


def make_environment(folder: Path) -> tuple[Path, Path]:
    """The script, and the RECORD of its distribution, of an environment below ``folder``."""
    script, site = folder / "bin/airflow", folder / "lib/python3.11/site-packages"
    record = site / "apache_airflow-2.8.1.dist-info/RECORD"
    other = site / "other-1.dist-info/RECORD"
    for path, text in ((script, SCRIPT), (record, RECORD), (other, "other.py,sha256=x,1\n")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    script.chmod(0o755)
    return script, record


def test_record_lists_the_script_as_it_is_now(start_script: types.ModuleType, tmp_path: Path) -> None:
    script, record = make_environment(tmp_path)
    start_script.rewrite(tmp_path)
    data = script.read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
    first, *rest = record.read_text().splitlines()
    assert first == f"../../../bin/airflow,sha256={digest},{len(data)}"
    assert rest == RECORD.splitlines()[1:]
    assert (record.parents[1] / "other-1.dist-info/RECORD").read_text() == "other.py,sha256=x,1\n"
    assert script.stat().st_mode & 0o777 == 0o755
    assert data.decode() == start_script.pause_collector(SCRIPT)


def test_an_environment_without_the_script_stays_as_it_is(start_script: types.ModuleType, tmp_path: Path) -> None:
    start_script.rewrite(tmp_path)
    assert list(tmp_path.iterdir()) == []
