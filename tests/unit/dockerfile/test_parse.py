"""A Dockerfile is read as Docker reads it: heredocs, comments, blank lines and the escape directive confuse nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from builder.dockerfile import Heredoc, parse_dockerfile


def names(text: str) -> list[tuple[str, int]]:
    return [(one.name, one.line) for one in parse_dockerfile(text).instructions]


def test_no_line_of_a_heredoc_is_an_instruction() -> None:
    text = "FROM a\nRUN <<EOF\nFROM evil\nUSER root\nEOF\nUSER 50000\n"
    assert names(text) == [("FROM", 1), ("RUN", 2), ("USER", 6)]
    assert parse_dockerfile(text).instructions[1].heredocs == (Heredoc("EOF", "FROM evil\nUSER root", 3),)


def test_two_heredocs_quoted_and_indented() -> None:
    text = "FROM a\nCOPY <<\"ONE\" <<-'TWO' /x/\nUSER 1\nONE\n\tUSER 2\n\tTWO\nUSER 3\n"
    assert names(text) == [("FROM", 1), ("COPY", 2), ("USER", 7)]
    assert [one.body for one in parse_dockerfile(text).instructions[1].heredocs] == ["USER 1", "\tUSER 2"]


def test_what_only_looks_like_a_heredoc_is_none() -> None:
    text = 'FROM a\nRUN echo "a <<EOF b" $((1<<2))\nUSER 1\nENV X=<<EOF\nUSER 2\n'
    assert names(text) == [("FROM", 1), ("RUN", 2), ("USER", 3), ("ENV", 4), ("USER", 5)]


def test_a_heredoc_that_never_ends_takes_the_rest() -> None:
    assert names("FROM a\nRUN <<EOF\nUSER root\n") == [("FROM", 1), ("RUN", 2)]


def test_comments_and_blank_lines_do_not_end_an_instruction() -> None:
    text = "FROM a\nRUN one \\\n  # why\n\n  two\nUSER 1\n"
    assert names(text) == [("FROM", 1), ("RUN", 2), ("USER", 6)]
    assert parse_dockerfile(text).instructions[1].value.split() == ["one", "two"]


def test_the_escape_directive_is_kept() -> None:
    text = "# syntax=docker/dockerfile:1\n# escape=`\nFROM a\nRUN one `\n  two\nUSER a\\\nUSER b\n"
    assert names(text) == [("FROM", 3), ("RUN", 4), ("USER", 6), ("USER", 7)]


def test_crlf_reads_the_same() -> None:
    text = "FROM a\nRUN one \\\n  two <<EOF\nUSER root\nEOF\nUSER 1\n"
    assert names(text.replace("\n", "\r\n")) == names(text) == [("FROM", 1), ("RUN", 2), ("USER", 6)]


@given(
    st.lists(
        st.sampled_from(["FROM a", "RUN x \\", "RUN <<E", "E", "# c", "", "USER 1", "\\", "  y", "COPY <<A <<B /"])
    )
)
def test_nothing_makes_it_fail(lines: list[str]) -> None:
    found = parse_dockerfile("\n".join(lines)).instructions
    assert [one.line for one in found] == sorted({one.line for one in found})
