"""What markers mean for an image, whatever machine looks at it; hostile ones never end the inspection."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.inspect.packages.markers import evaluate_marker

TRUE = [
    'python_version >= "3.9"',
    "python_version > '3'",
    'python_version == "3.11"',
    'python_full_version >= "3.11.0"',
    'python_version in "3.10 3.11"',
    'python_version ~= "3.10"',
    'platform_machine == "x86_64"',
    'platform_python_implementation != "PyPy"',
    'platform_system == "Linux"',
    '"linux" == sys_platform',
    'os_name == "posix" and extra == "Other_one"',
    'os_name == "nt" or extra == "other-one"',
    'os_name == "posix" or os_name == "nt" and extra == "x"',
    '(extra == "x" or extra == "other.one") and implementation_name == "cpython"',
]
FALSE = [
    'python_version < "3.9"',
    'python_full_version < "3.11.0"',
    'python_version not in "3.10, 3.11"',
    'platform_machine == "aarch64"',
    'sys_platform == "win32"',
    'platform_system == "Windows" or extra == "test"',
    'extra == ""',
    'extra == "other-one" and (os_name == "nt" or python_version < "3.8")',
]
PARTS = [
    "python_version",
    "extra",
    "os_name",
    "and",
    "or",
    "not in",
    "~=",
    "==",
    "<",
    "(",
    ")",
    "'",
    '"',
    "\\",
    "\0",
    "3.8",
]


@pytest.mark.parametrize(("marker", "expected"), [(one, True) for one in TRUE] + [(one, False) for one in FALSE])
def test_a_marker_means_what_pep_508_says(marker: str, expected: bool) -> None:
    assert evaluate_marker(marker, "linux/amd64", "3.11", "other-one") is expected


@given(st.lists(st.sampled_from(PARTS) | st.text(max_size=3), max_size=12).map(" ".join), st.sampled_from(["", "3.11"]))
def test_no_marker_raises(marker: str, python: str) -> None:
    assert evaluate_marker(marker, "linux/amd64", python, "a") in {True, False}


@pytest.mark.parametrize(
    "marker",
    [
        "(" * 5000 + 'extra == "a"' + ")" * 5000,
        'extra == "b" and ' * 5000 + 'extra == "b"',
        f"python_version < '{'9' * 5000}'",
        'sys_platform == "\\d"',
        'sys_platform == "\\x"',
        'sys_platform == "\0"',
        'sys_platform == "\ud800"',
    ],
    ids=["deep", "long", "digits", "backslash", "escape", "NUL", "half a character"],
)
def test_hostile_markers_are_taken_as_true(marker: str) -> None:
    assert evaluate_marker(marker, "linux/amd64", "3.11", "b") is True


@pytest.mark.parametrize("marker", ["", "python_version <", '(extra == "a"', "nonsense", 'extra == "a" extra'])
def test_what_cannot_be_read_is_taken_as_true(marker: str) -> None:
    assert evaluate_marker(marker, "linux/amd64", "3.11", "b") is True


def test_the_image_decides_not_this_machine() -> None:
    marker = 'platform_machine == "aarch64"'
    assert evaluate_marker(marker, "linux/arm64/v8", "3.11", "")
    assert not evaluate_marker(marker, "linux/amd64", "3.11", "")
