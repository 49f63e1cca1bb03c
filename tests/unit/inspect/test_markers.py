"""Markers decided here mean what ``packaging`` says they mean."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker

from builder.inspect.markers import environment_of, holds

PLAIN = [
    'python_version < "3.9"',
    "python_version >= '3'",
    'python_full_version >= "3.11.0"',
    'platform_machine == "x86_64"',
    'platform_python_implementation != "PyPy"',
    'sys_platform == "win32"',
    'platform_system == "Windows"',
    'extra == "test"',
    "extra == 'Other_one'",
]
RARE = ['python_version in "3.10 3.11"', '"linux" == sys_platform', 'python_version ~= "3.10"', 'os_name < "posix"']
MARKERS = st.recursive(
    st.sampled_from(PLAIN + RARE),
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner)
        | st.builds("{} {} {}".format, inner, st.sampled_from(["and", "or"]), inner)
    ),
    max_leaves=6,
)


def expected(marker: str, python: str, extra: str) -> bool:
    return Marker(marker).evaluate({**environment_of("linux/amd64", python), "extra": extra})


@given(MARKERS, st.sampled_from(["3.8", "3.11"]), st.sampled_from(["", "test", "other-one"]))
def test_a_marker_means_what_packaging_says(marker: str, python: str, extra: str) -> None:
    assert holds(marker, "linux/amd64", python, extra) == expected(marker, python, extra)


@pytest.mark.parametrize("marker", PLAIN)
def test_the_usual_ones_need_no_packaging(marker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    holds.cache_clear()
    monkeypatch.setitem(sys.modules, "packaging.markers", None)
    assert holds(marker, "linux/amd64", "3.11", "test") in {True, False}


@pytest.mark.parametrize("marker", ["", "python_version <", '(extra == "a"', "nonsense", 'extra == "a" extra'])
def test_what_cannot_be_read_is_taken_as_true(marker: str) -> None:
    assert holds(marker, "linux/amd64", "3.11", "b") is True


def test_the_image_decides_not_this_machine() -> None:
    marker = 'platform_machine == "aarch64"'
    assert holds(marker, "linux/arm64/v8", "3.11", "")
    assert not holds(marker, "linux/amd64", "3.11", "")
