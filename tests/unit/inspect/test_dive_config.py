"""The files of dive that hold rules for a CI."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.core.errors import DiveFileError
from builder.inspect.dive_config import DISABLED, parse_dive_file, read_dive_file

if TYPE_CHECKING:
    from pathlib import Path


MB = 1_000_000


DIVE = """\
rules:
  lowestEfficiency: 0.95
  highestWastedBytes: 20MB
  highestUserWastedPercent: 0.20
"""


def test_a_dive_file_is_read() -> None:
    found = parse_dive_file(DIVE, ".dive-ci")
    assert (found.efficiency, found.wasted_bytes, found.user_wasted) == (0.95, 20 * MB, 0.2)


@pytest.mark.parametrize("text", ["", "rules:\n", "rules: {}\n"])
def test_a_rule_that_is_not_named_has_dives_own_default(text: str) -> None:
    found = parse_dive_file(text, ".dive-ci")
    assert (found.efficiency, found.wasted_bytes, found.user_wasted) == (0.9, None, 0.1)


def test_rules_are_disabled_by_that_word_in_any_case_of_the_key() -> None:
    found = parse_dive_file(f"rules:\n  LOWESTEFFICIENCY: {DISABLED}\n  highestuserwastedpercent: '{DISABLED}'\n", "x")
    assert (found.efficiency, found.wasted_bytes, found.user_wasted) == (None, None, None)


@pytest.mark.parametrize(
    ("written", "count"),
    [
        ("20MB", 20 * MB),
        ("1.5 kB", 1500),
        ("2KiB", 2048),
        ("100", 100),
        ("3 gib", 3 * 2**30),
        ("1_000", 1000),
        ("1e6", MB),
        ("0x10", 16),
        ("&size 5kB", 5000),
    ],
)
def test_sizes_are_written_as_dive_takes_them(written: str, count: int) -> None:
    assert parse_dive_file(f"rules:\n  highestWastedBytes: {written}\n", "x").wasted_bytes == count


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("rules:\n  lowestEficiency: 0.9\n", 2, "did you mean lowestEfficiency?"),
        ("rules:\n  lowestEfficiency: 95\n", 2, "95 is not between 0 and 1"),
        ("rules:\n  lowestEfficiency: high\n", 2, "'high' is not a number"),
        ("rules:\n  lowestEfficiency: .nan\n", 2, "is not between 0 and 1"),
        ("# a comment\nrules:\n  highestWastedBytes: 20 lots\n", 3, "'20 lots' is not a number of bytes"),
        ("rules: 5\n", 1, "`rules` is not a mapping"),
        ("rules:\n  a: [\n", 3, "not valid YAML"),
        ("rules:\n  lowestEfficiency: 0.9\n  lowestEfficiency: 0.8\n", 3, "the mapping has this key twice"),
        ("rules:\n  lowestEfficiency: [0.9]\n", 2, "'[0.9]' is not a number"),
        ("rules:\n  lowestEfficiency:\n", 2, "'' is not a number"),
        ("rules: {}\n---\nrules: {}\n", 2, "several YAML documents"),
        ("rules: " + "[" * 2_000, 1, "levels of nesting"),
        ("rules: {a: \0}", 1, "NUL"),
        ("- lowestEfficiency: 0.9\n", 1, "`rules` is not a mapping"),
    ],
)
def test_a_bad_dive_file_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(DiveFileError) as caught:
        parse_dive_file(text, ".dive-ci")
    assert words in str(caught.value)
    assert caught.value.where is not None
    assert caught.value.where.line == line


def test_a_dive_file_may_have_aliases_and_merges() -> None:
    text = "x: &x {lowestEfficiency: 0.4}\ny: &y 5kB\nrules:\n  <<: *x\n  highestWastedBytes: *y\n"
    found = parse_dive_file(text, "ci")
    assert (found.efficiency, found.wasted_bytes) == (0.4, 5000)


def test_every_bad_rule_is_told_at_once() -> None:
    with pytest.raises(DiveFileError) as caught:
        parse_dive_file("rules:\n  lowestEfficiency: 2\n  highestWastedBytes: x\n  other: 1\n", "ci")
    assert all(f"ci:{line}: rules." in str(caught.value) for line in (2, 3, 4))


def test_a_dive_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DiveFileError) as caught:
        read_dive_file(tmp_path / "none", "none")
    assert "there is no such file" in str(caught.value)
