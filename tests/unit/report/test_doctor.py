"""What doctor says fits the terminal, and its columns line up."""

from __future__ import annotations

import re

import pytest

from builder.doctor.model import FindingState, MachineFinding
from builder.report.doctor import format_findings_text

FOUND = (
    MachineFinding("Docker engine", FindingState.OK, "26.1.5 on linux/amd64, " + "with much to say about it " * 5),
    MachineFinding("buildx", FindingState.MISSING, "broken", "install it, and " + "then look again " * 8 + "`a b c`"),
    MachineFinding("certificates of a proxy", FindingState.WARNING, "none found", ""),
)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = format_findings_text(FOUND, width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert " ".join(" ".join(lines).split()).count("then look again") == 8
    assert lines[-1] == "Missing: buildx."


def test_text_stands_beside_the_names_where_there_is_room() -> None:
    lines = format_findings_text(FOUND, width=80).splitlines()
    assert {line[25:27] for line in lines[:-1]} == {"  "}
    assert all(line[27] != " " for line in lines[:-1] if "next" in line or line[0] != " ")


def test_text_stands_below_where_there_is_none() -> None:
    lines = format_findings_text(FOUND, width=60).splitlines()
    assert lines[0] == "✓ Docker engine"
    assert lines[1].startswith("    26.1.5 on linux/amd64")
    assert "    next: install it, and then look again" in "\n".join(lines)


def test_color_changes_no_place() -> None:
    colored = format_findings_text(FOUND, color=True, width=80)
    assert "\x1b[31m✗\x1b[0m buildx" in colored
    assert re.sub(r"\x1b\[\d*m", "", colored) == format_findings_text(FOUND, width=80)
