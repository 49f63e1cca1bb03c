"""The script that lays the project's files out: modes, owners, time stamps, in a folder or in place."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from build_scripts import load_build_script

if TYPE_CHECKING:
    from pathlib import Path

with load_build_script("place_files") as script:
    pass


@pytest.fixture
def owners(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, int]]:
    """Path → user and group that it was given: only root may."""
    found: dict[str, tuple[int, int]] = {}
    monkeypatch.setattr(os, "chown", lambda path, user, group: found.__setitem__(str(path), (user, group)))
    return found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    for name, mode in (("1/opt/airflow/dags/sub/a.py", 0o644), ("2/dbt/run.sh", 0o755)):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(name)
        (folder / name).chmod(mode)
    (folder / "targets.json").write_text(json.dumps({"1": "/opt/airflow/dags", "2": "/dbt"}))
    return folder


def test_an_entry_gets_a_folder_of_its_own(source: Path, tmp_path: Path, owners: dict[str, tuple[int, int]]) -> None:
    rootfs = tmp_path / "rootfs"
    (rootfs / "opt/airflow/dags").mkdir(parents=True)
    (rootfs / "opt/airflow/dags").chmod(0o2770)
    out = tmp_path / "out"
    script.main(source, out, "1000000000", [rootfs])
    dag, program = out / "1/opt/airflow/dags/sub/a.py", out / "2/dbt/run.sh"
    assert (dag.read_text(), program.read_text()) == ("1/opt/airflow/dags/sub/a.py", "2/dbt/run.sh")
    modes = {
        path: path.stat().st_mode & 0o7777 for path in (dag, program, dag.parent, dag.parent.parent, program.parent)
    }
    assert list(modes.values()) == [0o664, 0o775, 0o775, 0o2770, 0o775]
    assert {path.stat().st_mtime for path in (*out.glob("1/**/*"), *out.glob("2/**/*"), out / "1")} == {1_000_000_000}
    assert owners[str(dag)] == owners[str(dag.parent)] == owners[str(program.parent)] == (50000, 0)
    assert owners[str(out / "1/opt")] == (0, 0)  # the image's, or root's
