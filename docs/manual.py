"""The manual page optbuild(1), in the macros of man(7)."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from builder.report.commands.rows import CommandRow


def format_manual(
    commands: Iterable[CommandRow], about: str, exit_codes: Mapping[str, str], environment: Mapping[str, str]
) -> str:
    """``about``: what `optbuild --help` says first; the two tables: code or variable → its meaning."""
    lines = [
        '.TH OPTBUILD 1 "" "optbuild" "User Commands"',
        ".SH NAME",
        r"optbuild \- one small, pinned, proven image for an Airflow project",
        ".SH SYNOPSIS",
        ".B optbuild",
        r"[\-\-quiet] \fICOMMAND\fR [\fIOPTIONS\fR] [\fIARGUMENTS\fR]",
        ".SH DESCRIPTION",
        *_format_paragraphs(about.split("\n\n")),
    ]
    group = ""
    for row in commands:
        if row.group != group:
            group = row.group
            lines.append(f".SH {_escape(group).upper()}")
        lines += _format_command(row)
    lines += [".SH EXIT STATUS", *_format_terms(exit_codes)]
    lines += [".SH ENVIRONMENT", *_format_terms(environment)]
    lines += [
        ".SH FILES",
        *_format_terms(
            {
                "optbuild.toml": "what a person wants; also [tool.optbuild] of a pyproject.toml",
                "optbuild.lock": "what that resolves to, exactly",
            }
        ),
    ]
    return "\n".join(lines) + "\n"


def _format_command(row: CommandRow) -> Iterator[str]:
    words = " ".join(f"{one.metavar}{'...' if one.repeated else ''}" for one in row.arguments)
    yield f".SS optbuild {_escape(row.name)} [OPTIONS] {_escape(words)}".rstrip()
    yield from _format_paragraphs((row.summary, *row.text))
    yield from _format_terms({one.metavar: one.help for one in row.arguments})
    options = {", ".join(one.names) + (f" {one.metavar}" if one.metavar else ""): one.help for one in row.options}
    yield from _format_terms(options)


def _format_paragraphs(paragraphs: Iterable[str]) -> Iterator[str]:
    for paragraph in paragraphs:
        yield ".PP"
        yield from _wrap(paragraph)


def _format_terms(rows: Mapping[str, str]) -> Iterator[str]:
    for term, text in rows.items():
        yield ".TP"
        yield f"\\fB{_escape(term)}\\fR"
        yield from _wrap(text)


def _wrap(text: str) -> list[str]:
    """Lines that no reader of troff takes for a request: none begins with a dot or a quote."""
    lines = textwrap.wrap(" ".join(text.split()), 76, break_on_hyphens=False, break_long_words=False)
    return [f"\\&{line}" if line[:1] in {".", "'"} else line for line in map(_escape, lines)]


def _escape(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga")
