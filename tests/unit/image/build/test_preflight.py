"""Disk is checked before the build, and said with numbers."""

from __future__ import annotations

import errno
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from foundation_factory import make_foundation

from builder.cli.overview import COMMANDS
from builder.core.errors import BuildFailedError, DiskFullError, ExitCode, ToolFailedError
from builder.core.files import count_free_bytes
from builder.image.build import preflight
from builder.image.build.preflight import DiskEstimate, check_disk, estimate_disk, explain_full_disk
from builder.image.lock.document import read_lock
from builder.image.lock.model import DebianPackage

if TYPE_CHECKING:
    from builder.image.lock.model import Lock


def test_too_little_is_refused_with_all_three_numbers() -> None:
    with pytest.raises(DiskFullError, match=r"2,499 MB free.*2,500 MB.*1,000 MB") as caught:
        check_disk("the engine's disk (/var/lib/docker)", 2_499_000_000, DiskEstimate(1_000_000_000))
    assert caught.value.exit_code is ExitCode.ENGINE
    assert caught.value.hint is not None
    assert "`docker system df`" in caught.value.hint
    assert set(re.findall(r"`optbuild (\w+)", caught.value.hint)) <= set(COMMANDS)


@pytest.mark.parametrize("free", [2_500_000_000, None], ids=["just enough", "cannot be seen"])
def test_enough_or_unknown_is_let_through(free: int | None) -> None:
    check_disk("x", free, DiskEstimate(1_000_000_000))


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
        explain_full_disk(
            lambda: {"the engine's disk": None, "the cache's disk": 3_400_000}, DiskEstimate(1_000_000_000)
        ),
    ):
        raise error
    message = caught.value.message
    assert "now the cache's disk has 3 MB free; this build needs about 2,500 MB" in message
    assert "Nothing was promoted" in message
    assert "`docker system df`" in (caught.value.hint or "")
    assert re.search("no space left|quota", message, re.IGNORECASE)


@pytest.mark.parametrize("error", OTHER, ids=str)
def test_another_failure_stays_what_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, explain_full_disk(dict, DiskEstimate(1)):
        raise error
    assert caught.value is error


def test_the_disk_of_a_folder_that_is_yet_to_be_made(tmp_path: Path) -> None:
    assert count_free_bytes(tmp_path / "a/b/c") > 0


@pytest.fixture(scope="module")
def lock() -> Lock:
    """The project's own image."""
    return read_lock(Path(__file__).parents[4] / "images/airflow/optbuild.lock")


def make_lock(spec_lock: Lock, *, base: int | None) -> Lock:
    """10 MB of wheels, 2 MB of packages in the image, 4 MB in the builder; ``base``: bytes of the image below."""
    package = DebianPackage("x", "1", "amd64", "00", 0)
    return replace(
        spec_lock,
        python=(replace(spec_lock.python[0], size=10_000_000),),
        runtime=(replace(package, size=2_000_000),),
        build=(replace(package, size=4_000_000),),
        foundation=None if base is None else make_foundation(bytes=base),
    )


@pytest.mark.parametrize(
    ("base", "several", "is_here", "needed"),
    [
        pytest.param(None, True, False, 2.5 * 43e6, id="a base of our own, several stages"),
        pytest.param(None, False, False, 2 * 43e6, id="one stage: no layer lies twice"),
        pytest.param(500_000_000, True, True, 2.5 * 43e6 + 14e6 + 12e6, id="a base image that is here"),
        pytest.param(500_000_000, False, True, 2 * 43e6 + 14e6 + 12e6, id="the same in one stage"),
        pytest.param(500_000_000, True, False, 2.5 * 43e6 + 14e6 + 12e6 + 700e6, id="a base image to pull"),
        pytest.param(0, True, False, 2.5 * 43e6 + 14e6 + 12e6, id="of which an old lock has no bytes"),
    ],
)
def test_what_is_needed_depends_on_what_it_stands_on(
    lock: Lock, base: int | None, several: bool, is_here: bool, needed: float
) -> None:
    estimate = estimate_disk(make_lock(lock, base=base), several=several, base_is_here=is_here)
    assert estimate.needed == int(needed)


def test_each_part_is_said(lock: Lock) -> None:
    estimate = estimate_disk(make_lock(lock, base=500_000_000), several=False, base_is_here=False)
    with pytest.raises(DiskFullError) as caught:
        check_disk("the engine's disk", 3_000_000, estimate)
    assert caught.value.message == (
        "the engine's disk has 3 MB free; this build needs about 812 MB (2 times the 43 MB that are estimated to be "
        "added, 26 MB for Debian packages while it is built, 700 MB for a base image that must be pulled)"
    )
    unknown = estimate_disk(make_lock(lock, base=0), several=True, base_is_here=False)
    assert unknown.describe().endswith("and a base image that must be pulled, whose bytes this lock does not say")


def test_a_base_image_is_not_pulled_to_the_disk_of_the_cache(lock: Lock, monkeypatch: pytest.MonkeyPatch) -> None:
    estimate = estimate_disk(make_lock(lock, base=500_000_000), several=True, base_is_here=False)
    nobody: Any = None
    free = {"the engine's disk": estimate.needed, "the cache's disk": estimate.needed - 700_000_000}
    monkeypatch.setattr(preflight, "measure_disks", lambda _runtime, _engine: free)
    preflight.check_disks(nobody, nobody, estimate)
    for place in free:
        monkeypatch.setattr(preflight, "measure_disks", lambda *_, less=place: {**free, less: free[less] - 1})
        with pytest.raises(DiskFullError, match=place):
            preflight.check_disks(nobody, nobody, estimate)
