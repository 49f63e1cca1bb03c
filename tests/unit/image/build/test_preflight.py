"""Disk is checked before the build, and said with numbers."""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING

import pytest

from builder.cli.overview import COMMANDS
from builder.core.errors import BuildFailedError, DiskFullError, ExitCode, ToolFailedError
from builder.core.files import count_free_bytes
from builder.image.build.preflight import check_disk, explain_full_disk

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


FULL: tuple[Exception, ...] = (
    OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/cache/base.tar"),
    OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)),
    BuildFailedError("RUN x", "exit code: 1", ("cp: error writing 'x': No space left on device",)),
    ToolFailedError("base.sh", 1, "tar: base.tar: Cannot write: No space left on device"),
)
OTHER: tuple[Exception, ...] = (
    OSError(errno.EACCES, os.strerror(errno.EACCES)),
    BuildFailedError("RUN x", "exit code: 1", ()),
    DiskFullError("said already: no space left on device"),
)


@pytest.mark.parametrize("error", FULL, ids=str)
def test_a_disk_that_becomes_full_is_told_with_numbers(error: Exception) -> None:
    with (
        pytest.raises(DiskFullError) as caught,
        explain_full_disk(lambda: {"the engine's disk": None, "the cache's disk": 3_400_000}, 1_000_000_000),
    ):
        raise error
    message = caught.value.message
    assert "now the cache's disk has 3 MB free; this build needs about 2,500 MB" in message
    assert "Nothing was promoted" in message
    assert "`docker system df`" in (caught.value.hint or "")
    assert re.search("no space left|quota", message, re.IGNORECASE)


@pytest.mark.parametrize("error", OTHER, ids=str)
def test_another_failure_stays_what_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, explain_full_disk(dict, 1):
        raise error
    assert caught.value is error


def test_the_disk_of_a_folder_that_is_yet_to_be_made(tmp_path: Path) -> None:
    assert count_free_bytes(tmp_path / "a/b/c") > 0
