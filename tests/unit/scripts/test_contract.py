"""What an image of somebody else's gets before it is one of ours: its user first of all, whoever had its name."""

from __future__ import annotations

import importlib.util
import stat
from typing import TYPE_CHECKING

import pytest

from builder.core.resources import find_template_folder

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

ROOT = "root:x:0:0:root:/root:/bin/bash\n"
OURS = "airflow:x:50000:0:airflow:/home/airflow:/bin/bash\n"


@pytest.fixture(scope="module")
def contract() -> ModuleType:
    spec = importlib.util.spec_from_file_location("contract", find_template_folder() / "foundation/contract.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ROOT, ROOT + OURS),
        (ROOT.rstrip(), ROOT + OURS),
        (ROOT + OURS, ROOT + OURS),
        (
            f"{ROOT}app:x:50000:50000::/app:/bin/sh\nlast:x:7:7::/:/bin/sh\n",
            f"{ROOT}{OURS}app:x:50000:50000::/app:/bin/sh\nlast:x:7:7::/:/bin/sh\n",
        ),
        (f"{ROOT}airflow:x:1000:1000::/opt:/bin/sh\n", f"{ROOT}{OURS}airflow:x:1000:1000::/opt:/bin/sh\n"),
        (f"{ROOT}airflow-x:x:1:50000::/opt:/bin/sh\n", f"{ROOT}airflow-x:x:1:50000::/opt:/bin/sh\n{OURS}"),
    ],
    ids=["plain", "no-newline", "there", "number-taken", "name-taken", "no-rival"],
)
def test_our_user_is_found_first_by_name_and_by_number(before: str, after: str, contract: ModuleType) -> None:
    assert contract.add_user(before) == after


def make_program(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("theirs")


def test_pip_is_ours_under_every_name_on_the_path(contract: ModuleType, tmp_path: Path) -> None:
    rootfs, root = tmp_path / "rootfs", tmp_path / "root"
    for name in ("entrypoint", "profile.sh", "pip"):
        make_program(rootfs / name)
        (rootfs / name).write_text("ours")
    for name in ("pip", "pip3", "pip3.11", "pipx", "python3"):
        make_program(root / "usr/local/bin" / name)
    make_program(root / "opt/venv/bin/pip3.11")
    make_program(root / "elsewhere/pip")
    contract.place_programs(root, rootfs, "/opt/venv/bin:/usr/local/bin:/nowhere:relative")
    programs = root / "usr/local/bin"
    assert (programs / "pip").read_text() == "ours"
    assert {name: str((programs / name).readlink()) for name in ("pip3", "pip3.11", "airflow")} == {
        "pip3": "pip",
        "pip3.11": "/usr/local/bin/pip",
        "airflow": "/home/airflow/.local/bin/airflow",
    }
    assert (root / "opt/venv/bin/pip3.11").is_symlink()
    assert [(programs / name).read_text() for name in ("pipx", "python3")] == ["theirs", "theirs"]
    assert (root / "elsewhere/pip").read_text() == "theirs"
    assert stat.S_IMODE((programs / "pip").stat().st_mode) == 0o755


def test_pip_is_not_linked_to_itself_where_two_folders_are_one(contract: ModuleType, tmp_path: Path) -> None:
    make_program(tmp_path / "usr/local/bin/pip")
    (tmp_path / "bin").symlink_to("usr/local/bin")
    assert contract.find_pips(tmp_path, "/bin:/usr/local/bin") == []
