"""What a killed run of the base leaves behind."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from builder.image.base.leftovers import find_process_groups

if TYPE_CHECKING:
    from pathlib import Path


def test_only_the_groups_that_work_for_exactly_that_folder_are_found(tmp_path: Path) -> None:
    folder, proc = tmp_path / ".making-a", tmp_path / "proc"
    for pid, (value, group) in {
        "11": (str(folder), 11),
        "12": (str(folder), 11),
        "13": (f"{folder}b", 13),
        "14": (str(folder), os.getpgid(0)),
    }.items():
        (proc / pid).mkdir(parents=True)
        (proc / pid / "environ").write_bytes(f"HOME=/\0OPTBUILD_MAKES_BASE={value}\0".encode())
        (proc / pid / "stat").write_text(f"{pid} (a) b) S 1 {group} 1 0\n")
    (proc / "15").mkdir()  # ended while it was looked at
    assert find_process_groups(folder, proc) == {11}
