"""Which further files a compose file names, and where its YAML is broken."""

from __future__ import annotations

import pytest

from builder.compose.load.includes import FileDependencies, Include, parse_dependencies

SHORT = Include(("a.yml",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("services: {a: {image: x}}", FileDependencies()),
        ("include: [a.yml, b.yml]", FileDependencies((SHORT, Include(("b.yml",))))),
        ("include:\n  - a.yml\n", FileDependencies((SHORT,))),
        ('"include": ["a.yml"]', FileDependencies((SHORT,))),
        ("include:\n  - path: a.yml\n", FileDependencies((SHORT,))),
        (
            "include:\n- path: [a.yml, ./b.yml]\n  project_directory: ./p\n  env_file: e\n",
            FileDependencies((Include(("a.yml", "./b.yml"), "./p", ("e",)),)),
        ),
        ("include: [{path: a.yml, env_file: [e, f]}]", FileDependencies((Include(("a.yml",), None, ("e", "f")),))),
        ("include:\n# include: [x]\nservices: {}", FileDependencies()),
        ("services: {a: {extends: {service: b}}, b: {extends: b, configs: [{file: x}]}}", FileDependencies()),
        ("services: {a: {extends: {service: b, file: b.yml}}}", FileDependencies(extended=("b.yml",))),
        ("services: {a: {extends: {file: b.yml}}, c: {extends: {file: b.yml}}}", FileDependencies(extended=("b.yml",))),
        ("x-a: &a {extends: {file: a.yml}}\nservices: {a: {<<: *a}}", FileDependencies(extended=("a.yml",))),
        (
            "services: {a: {extends: !override {file: a.yml}, build: !reset null}}",
            FileDependencies(extended=("a.yml",)),
        ),
        ("services:\n  a: {extends: {file: a.yml}}\n  a: {image: twice}\n", FileDependencies(extended=("a.yml",))),
        ("include: [a.yml]\n---\ninclude: [b.yml]\n", FileDependencies((SHORT, Include(("b.yml",))))),
        ("\ufeffinclude: [a.yml]\r\n", FileDependencies((SHORT,))),
        ("a: &a [*a, {extends: {file: a.yml}}]", FileDependencies(extended=("a.yml",))),
        ("include: a.yml", FileDependencies()),
        ("include: [{project_directory: x}, [], null, '']", FileDependencies()),
        ("include: [a.yml\n", FileDependencies()),
        ("", FileDependencies()),
        ("# include", FileDependencies()),
    ],
)
def test_the_files_that_are_named(text: str, expected: FileDependencies) -> None:
    assert parse_dependencies(text.encode()) == expected


def test_an_anchor_may_be_defined_again() -> None:
    text = "a: &x 1\nb: &x 2\nc: *x\ninclude: [a.yml]\n"
    assert parse_dependencies(text.encode()) == FileDependencies((SHORT,))


def test_bytes_that_are_no_text() -> None:
    assert parse_dependencies(b"include: [\xff]") == FileDependencies()
