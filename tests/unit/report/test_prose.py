"""Sentences fit the terminal; commands in them stay whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.report.prose import WIDTH, wrap_text

COMMAND = "`optbuild plan -f compose.yaml -f compose.prod.yaml`"


@pytest.mark.parametrize(("width", "widest"), [(0, WIDTH), (60, 60), (80, 80), (120, WIDTH)])
def test_lines_have_the_terminal_s_width_and_no_more_than_can_be_read(width: int, widest: int) -> None:
    lines = list(wrap_text("word " * 100, "note: ", "      ", width=width))
    assert widest - 5 <= max(map(len, lines)) <= widest
    assert lines[0].startswith("note: word")
    assert {line[:6] for line in lines[1:]} == {"      "}


@pytest.mark.parametrize("before", range(0, 60, 7))
def test_a_command_is_never_broken(before: int) -> None:
    lines = list(wrap_text(f"{'x ' * before}{COMMAND} does it, then go on", "", width=60))
    assert [line for line in lines if COMMAND in line]
    assert max(map(len, lines)) <= 60


def test_a_command_that_is_longer_than_a_line_has_one_of_its_own() -> None:
    lines = list(wrap_text(f"do {COMMAND} now", "", width=40))
    assert lines == ["do", COMMAND, "now"]


def test_nothing_to_say_is_the_beginning_alone() -> None:
    assert list(wrap_text("", "note: ")) == ["note:"]


@given(st.text(alphabet="ab `\0\n\x1b", max_size=60))
def test_no_letter_is_lost_and_none_steers_the_terminal(text: str) -> None:
    shown = " ".join(wrap_text(text, "", width=20))
    assert not {"\0", "\n", "\x1b"} & set(shown)
    assert [letter for letter in shown if letter in "ab`"].count("a") >= text.count("a")
