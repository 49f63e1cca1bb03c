"""Disk is checked before the build, and said with numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from builder.cli.overview import COMMANDS
from builder.core.errors import DiskFullError, ExitCode
from builder.image.build.preflight import check_disk, count_free_bytes

if TYPE_CHECKING:
    from pathlib import Path


def test_too_little_is_refused_with_all_three_numbers() -> None:
    with pytest.raises(DiskFullError, match=r"2,499 MB free.*2,500 MB.*1,000 MB") as caught:
        check_disk("the engine's disk (/var/lib/docker)", 2_499_000_000, 1_000_000_000)
    assert caught.value.exit_code is ExitCode.ENGINE
    assert caught.value.hint is not None
    assert "`docker system df`" in caught.value.hint
    assert set(re.findall(r"`optbuild (\w+)", caught.value.hint)) <= set(COMMANDS)


@pytest.mark.parametrize("free", [2_500_000_000, None], ids=["just enough", "cannot be seen"])
def test_enough_or_unknown_is_let_through(free: int | None) -> None:
    check_disk("x", free, 1_000_000_000)


def test_the_disk_of_a_folder_that_is_yet_to_be_made(tmp_path: Path) -> None:
    assert count_free_bytes(tmp_path / "a/b/c") > 0
