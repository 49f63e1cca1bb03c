"""Which further files a compose file names, and where its YAML is broken."""

from __future__ import annotations

import os

import pytest

from builder.compose.load.includes import (
    MOST_EXTENDS,
    FileDependencies,
    Include,
    find_long_chain,
    parse_dependencies,
)

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


MANY = 20_000 if os.environ.get("OPTBUILD_SOAK") else 4_000
"""Services; to go up from each of them to the first would take minutes."""


@pytest.mark.parametrize("upwards", [True, False])
@pytest.mark.parametrize(("services", "long"), [(MOST_EXTENDS, False), (MOST_EXTENDS + 2, True), (MANY, True)])
def test_a_long_chain_of_services_is_found_in_any_order(services: int, long: bool, upwards: bool) -> None:
    lines = [f"  s{n}: {{extends: {{service: s{n - 1}}}}}\n" for n in range(1, services)]
    text = "services:\n" + "".join(lines if upwards else reversed(lines)) + "  s0: {build: .}\n"
    assert (find_long_chain(text.encode()) is not None) is long


def test_services_that_extend_one_and_services_in_a_circle_make_no_chain() -> None:
    many = "".join(f"  s{n}: {{extends: base}}\n" for n in range(500))
    assert find_long_chain(f"services:\n  base: {{build: .}}\n{many}".encode()) is None
    assert find_long_chain(b"services: {a: {extends: b}, b: {extends: {service: a}}, c: {extends: c}}") is None
    assert find_long_chain(b"services: {a: {extends: {service: a, file: b.yml}}}\n") is None
    assert find_long_chain(b"") is None
