"""Figures as Docker writes them, and foreign texts that steer no terminal."""

from __future__ import annotations

import pytest

from builder.report.units import escape_controls, escape_to_one_line, format_growth, format_size, pluralize


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, "—"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1442, "1.44 kB"),
        (606410727, "606 MB"),
        (999_600_000, "1000 MB"),
        (2_840_000_000, "2.84 GB"),
        (12_000_000_000_000, "12 TB"),
    ],
)
def test_bytes_are_decimal_with_three_digits(given: int | None, shown: str) -> None:
    assert format_size(given) == shown


@pytest.mark.parametrize(("given", "shown"), [(0, "0 B"), (6_100_000, "+6.1 MB"), (-1442, "-1.44 kB")])
def test_growth_has_a_sign(given: int, shown: str) -> None:
    assert format_growth(given) == shown


@pytest.mark.parametrize("letter", ["\x1b", "\r", "\b", "\x9b", "\u202e", "\u2066", "\u2028", "\ufeff", "\udc80", "\0"])
def test_nothing_that_steers_is_shown(letter: str) -> None:
    shown = escape_controls(f"a{letter}b")
    assert letter not in shown
    assert shown.startswith("a\\")
    assert shown.endswith("b")


def test_letters_of_any_language_stay() -> None:
    assert escape_controls("Größe 數據 🐘\n\tx") == "Größe 數據 🐘\n\tx"
    assert escape_to_one_line("a\nb\tc") == "a\\nb c"


def test_one_is_no_plural() -> None:
    assert (pluralize(1, "note"), pluralize(2, "note")) == ("1 note", "2 notes")
