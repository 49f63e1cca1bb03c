from __future__ import annotations

import pytest

from builder.report.when import format_iso_time, normalize_timestamp


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        pytest.param(1_764_074_975.0, "2025-11-25T12:49:35Z", id="a-moment"),
        pytest.param(1_764_074_975.9, "2025-11-25T12:49:35Z", id="its-fraction"),
        pytest.param(0, None, id="not-known"),
        pytest.param(None, None, id="none"),
        pytest.param(1e30, None, id="after-all-calendars"),
        pytest.param(-1e18, None, id="before-all-calendars"),
        pytest.param(float("nan"), None, id="no-number"),
    ],
)
def test_a_machine_gets_utc_or_nothing(seconds: float | None, written: str | None) -> None:
    assert format_iso_time(seconds) == written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-11-25T12:49:35.969130368Z", "2026-11-25T12:49:35Z"),
        ("2026-11-25T12:49:35Z", "2026-11-25T12:49:35Z"),
        ("2026-11-25T14:49:35.5+02:00", "2026-11-25T12:49:35Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("", None),
        ("soon", None),
    ],
)
def test_what_an_image_says_of_its_time_is_written_the_same_way(text: str, written: str | None) -> None:
    assert normalize_timestamp(text) == written
