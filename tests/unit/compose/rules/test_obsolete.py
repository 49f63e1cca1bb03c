"""OB205: `version:`, with its line, in each file that has it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from project_factories import FOLDER, project

from builder.compose.rules.context import RuleContext
from builder.compose.rules.obsolete import find_obsolete_version_keys


def lines(**files: bytes) -> list[tuple[str, int | None]]:
    sources = {FOLDER / f"{name}.yml": text for name, text in files.items()}
    return [
        (one.where.file, one.where.line)
        for one in find_obsolete_version_keys(RuleContext(replace(project(), sources=sources)))
    ]


@pytest.mark.parametrize(
    "text",
    [
        b"# hello\nversion: '3.8'\nservices: {}\n",
        b"\xef\xbb\xbf# hello\r\nversion: 3\r\n",
        b'services: {}\n"version": "3"',
        b"# hello\n{version: '3', services: {}}\n",
    ],
)
def test_it_is_found_on_its_line(text: bytes) -> None:
    assert lines(compose=text) == [("compose.yml", 2)]


@pytest.mark.parametrize(
    "text",
    [b"services:\n  version:\n    image: x\n", b"# version: '3'\n", b"x-version: 3\n", b"", b"- version\n", b"a: [\n"],
)
def test_what_is_not_it_is_silent(text: bytes) -> None:
    assert lines(compose=text) == []


def test_every_file_has_its_own() -> None:
    assert lines(one=b"version: '3'\n", two=b"services: {}\n", three=b"\nversion: '3'\n") == [
        ("one.yml", 1),
        ("three.yml", 2),
    ]
