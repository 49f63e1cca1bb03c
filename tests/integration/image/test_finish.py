"""Bytecode is the same whatever the process did before it, and however many processes share the work.

The scripts run here as in the builder stage, with the standard library of this machine.
"""

from __future__ import annotations

import compileall
import encodings
import shutil
from pathlib import Path

import pytest
from script_stage import ScriptStage

MODULES = {
    # names of the scripts, and of one another: whether marshal refers back to them depends on the process
    "alpha": "def finish(job, path, total):\n    return {'record', 'files', job, path, total}\n",
    "beta": "NAMES = {'finish', 'base', 'zeta'}\n\n\ndef measure(files=('finish', 300)):\n    return files\n",
    "gamma": "# coding: big5\nLONG = 'finish ' * 3\n\n\nclass Job:\n    measure = 1000003\n",
    "delta": "x\N{LATIN SMALL LETTER E WITH ACUTE} = 'finish'\n",
    "epsilon": "def alone(only_here, x=(1, 'a', 'only here', 2.5, None, 10**30)):\n    return only_here in {1, 2}\n",
}
KEEP_NAMES = f"kept = [compile(text, 'x', 'exec') for text in {list(MODULES.values())!r}]"
"""Every name of the modules has an owner in the process already, and so have their constants."""


@pytest.fixture
def stage(tmp_path: Path) -> ScriptStage:
    return make_stage(tmp_path / "stage")


def make_stage(folder: Path) -> ScriptStage:
    made = ScriptStage(folder, ["tests"])
    for name, text in MODULES.items():
        made.install(name, {f"{name}.py": text})
    return made


def read_bytecode(stage: ScriptStage) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in stage.base.rglob("*.pyc")}


def test_the_bytes_depend_on_no_process_no_order_and_no_number_of_workers(tmp_path: Path) -> None:
    results = []
    for workers, step, prelude in ((1, 1, ""), (3, 1, ""), (1, -1, ""), (1, 1, KEEP_NAMES)):
        stage = make_stage(tmp_path / "stage")  # the name stands in the bytecode
        done = stage.finish(workers=workers, step=step, prelude=prelude)
        assert done.returncode == 0, done.stderr
        results.append(read_bytecode(stage))
        shutil.rmtree(stage.folder)
    assert len(results[0]) == len(MODULES)
    assert all(found == results[0] for found in results)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Put before the standard library: its encodings, without bytecode."""
    folder = tmp_path / "library"
    shutil.copytree(Path(encodings.__file__).parent, folder / "encodings", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def list_compiled(output: str) -> set[str]:
    lines = [line.split() for line in output.splitlines()]
    return {name for word, *names in lines if word == "optbuild-compiled" for name in names}


def test_a_module_that_a_worker_compiles_is_named(stage: ScriptStage, library: Path) -> None:
    done = stage.finish(PYTHONPATH=str(library))
    assert done.returncode == 0
    assert {"encodings", "encodings.big5"} <= list_compiled(done.stdout)


def test_with_bytecode_of_the_library_no_worker_compiles(stage: ScriptStage, library: Path) -> None:
    compileall.compile_dir(library, quiet=1)
    done = stage.finish(PYTHONPATH=str(library))
    assert (done.returncode, list_compiled(done.stdout)) == (0, set())


def test_a_worker_that_fails_fails_all(stage: ScriptStage) -> None:
    (stage.folder / "notes").write_text("where a folder should be")
    done = stage.finish()
    assert done.returncode != 0
    assert "FileExistsError" in done.stderr
    assert "a worker failed with exit code 1" in done.stderr
