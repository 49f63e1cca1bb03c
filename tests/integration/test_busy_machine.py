"""The verification beside eight busy processes: it fails no good image, and believes no worker that dies later."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from sabotage import derive, verify
from sabotage_cases import end_worker_after_ping

from builder.image.verify.model import CheckResult, CheckStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from proven_image import ProvenImage

PROCESSES = 8
NICENESS = "5"
"""A third of the weight of others: whoever uses the machine beside the test still gets somewhere."""
SECONDS_AFTER_PING = (0, 1, 3, 6, 12)
SECONDS_THAT_MAY_OUTLAST = 12
"""A verification may have come to its end before: seen once in two runs, at load 26 it had not."""
pytestmark = [pytest.mark.soak, pytest.mark.alone]


@pytest.fixture
def busy() -> Iterator[None]:
    """The machine has eight processes that never wait."""
    with contextlib.ExitStack() as started:
        for _ in range(PROCESSES):
            one = subprocess.Popen(["nice", "-n", NICENESS, sys.executable, "-c", "while True: pass"])
            started.callback(one.wait)
            started.callback(one.kill)
        yield


def list_by_status(checks: tuple[CheckResult, ...], status: CheckStatus) -> list[str]:
    return [check.name for check in checks if check.status is status]


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("seconds", SECONDS_AFTER_PING)
def test_a_worker_that_dies_after_its_first_ping_is_never_believed(
    seconds: int, airflow_celery: ProvenImage, tmp_path: Path, orphans_removed: object
) -> None:
    with derive(airflow_celery.reference, "50000", end_worker_after_ping(seconds), tmp_path) as reference:
        report = verify(reference, airflow_celery.plan, tmp_path)
    checks = {check.name: check for check in report.checks}
    if re.search(
        r"\bworker (?:0|143) in ", checks["stop"].message
    ):  # alive when it was told to end: nothing to believe
        assert report.passed, report.checks
        assert seconds >= SECONDS_THAT_MAY_OUTLAST, report.checks
    else:
        assert list_by_status(report.checks, CheckStatus.FAILED) == ["worker"], report.checks
        assert "with exit code 9" in checks["worker"].message


@pytest.mark.usefixtures("busy")
def test_a_good_image_passes_all_the_same(airflow_celery: ProvenImage, tmp_path: Path) -> None:
    report = verify(airflow_celery.reference, airflow_celery.plan, tmp_path)
    assert report.passed, report.checks
