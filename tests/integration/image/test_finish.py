"""What distribution.py does in forks of one process is what an interpreter of its own would do for each distribution.

The script runs here as in the builder stage, with the standard library of this machine.
"""

from __future__ import annotations

import compileall
import encodings
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from builder.core import elf
from builder.core.resources import find_template_folder

MODULES = {
    # names of the script itself, and of one another: whether marshal refers back to them depends on the process
    "alpha": "def finish(job, path, total):\n    return {'record', 'files', job, path, total}\n",
    "beta": "NAMES = {'finish', 'base', 'zeta'}\n\n\ndef measure(files=('finish', 300)):\n    return files\n",
    "gamma": "# coding: big5\nLONG = 'finish ' * 3\n\n\nclass Job:\n    measure = 1000003\n",
    "delta": "x\N{LATIN SMALL LETTER E WITH ACUTE} = 'finish'\n",
}


def run(scripts: Path, jobs: list[str], workers: int, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(scripts / "distribution.py"), str(workers)],
        input="".join(f"{job}\n" for job in jobs),
        env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """As the context has them: elf.py lies beside."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    for script in (find_template_folder() / "scripts").glob("*.py"):
        (folder / script.name).write_bytes(script.read_bytes())
    (folder / "elf.py").write_bytes(Path(elf.__file__).read_bytes())
    return folder


def make_jobs(base: Path) -> list[str]:
    """One per distribution, below a new environment; each has one module and its RECORD."""
    site = base / "lib/python3/site-packages"
    site.mkdir(parents=True)
    (base / "cache").mkdir()
    return [make_job(base, site, name, text) for name, text in MODULES.items()]


def make_job(base: Path, site: Path, name: str, text: str) -> str:
    module, record = site / f"{name}.py", site / f"{name}-1.dist-info/RECORD"
    module.write_text(text, encoding="utf-8")
    record.parent.mkdir()
    record.write_text(f"{name}.py,,\n{name}-1.dist-info/RECORD,,\n", encoding="utf-8")
    files = [str(module), str(record)]
    folders = {"base": base, "site": site, "cache": base / "cache", "notes": base / "notes", "record": record}
    return json.dumps({**{key: str(path) for key, path in folders.items()}, "files": files, "rules": ["tests"]})


def read_bytecode(base: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in base.rglob("*.pyc")}


def test_the_bytes_depend_on_no_other_job_and_on_no_number_of_workers(
    scripts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = tmp_path / "environment"  # the name stands in the bytecode
    results = []
    for workers, step in ((1, 1), (3, 1), (1, -1)):
        jobs = make_jobs(environment)
        assert run(scripts, jobs[::step], workers).returncode == 0
        results.append(read_bytecode(environment))
        environment.rename(tmp_path / f"done-{len(results)}")
    for job in make_jobs(environment):
        assert run(scripts, [job], 1).returncode == 0
    alone = read_bytecode(environment)
    assert len(alone) == len(MODULES)
    assert all(found == alone for found in results)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Put before the standard library: its encodings, without bytecode."""
    folder = tmp_path / "library"
    shutil.copytree(Path(encodings.__file__).parent, folder / "encodings", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_a_module_that_a_worker_compiles_is_named(scripts: Path, library: Path, tmp_path: Path) -> None:
    done = run(scripts, make_jobs(tmp_path / "environment"), 2, PYTHONPATH=str(library))
    assert done.returncode == 0
    assert done.stdout.split() == ["encodings.big5"]  # what all need was imported before the first fork


def test_with_bytecode_of_the_library_no_worker_compiles(scripts: Path, library: Path, tmp_path: Path) -> None:
    compileall.compile_dir(library, quiet=1)
    done = run(scripts, make_jobs(tmp_path / "environment"), 2, PYTHONPATH=str(library))
    assert (done.returncode, done.stdout) == (0, "")


def test_a_worker_that_fails_fails_all(scripts: Path, tmp_path: Path) -> None:
    jobs = make_jobs(tmp_path / "environment")
    (tmp_path / "environment/lib/python3/site-packages/beta.py").unlink()
    done = run(scripts, jobs, 2)
    assert done.returncode != 0
    assert "beta.py" in done.stderr
