"""What Compose refuses, with its place and a next step that fits: in the words of Compose 2.26 and newer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from builder.compose.load.refusals import make_refusal_error

if TYPE_CHECKING:
    from builder.core.errors import ComposeError

FILE = Path("/none/shop/compose.yaml")
INVALID = "yaml: found character that cannot start any token"


def refuse(said: str, text: str | bytes, version: str = "2.26.1-4") -> ComposeError:
    data = text.encode() if isinstance(text, str) else text
    return make_refusal_error(said, (FILE,), {FILE: data}, lambda: version)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: [x\n", 2),
        ("a: 1\nb: {x: 1\n\n\n", 2),
        ("a: 'x\nb: 1\n", 1),
        ('a: 1\nb: "x\nc: 1\n', 2),
        ("a: {x: 1\nb: {y: 1}\n", 2),
        ("a:\n\tb: 1\n", 2),
        ("a: *none\n", 1),
        ("a: 1\nb: \x07\n", 2),
        ("a: 1\nb: \0\n", 2),
        (b"a: 1\nb: \xff", 2),
        ("a: " * 100_000, 1),
        ("a: 1\na: 2\n", None),
        ("a: 1\n", None),
        ("[" * 2000, None),
    ],
)
def test_the_line_where_yaml_is_broken(text: str | bytes, line: int | None) -> None:
    """Compose says none, or not quite the right one."""
    where = refuse(INVALID, text).where
    assert where is not None
    assert (where.file, where.line) == (str(FILE), line)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("services:\n  web:\n\timage: x\n", "blanks in place of the tab"),
        ("services:\n  web:\n    image: @x\n", "in quotes: in YAML none begins with @"),
        ("services:\n  web:\n    image: `x`\n", "in quotes: in YAML none begins with `"),
        ("services:\n  web:\n    image: x: y\n", "`docker compose config --quiet`"),
        ("services:\n  web:\n    image: 'x\n", "close the quote or the bracket that begins in this line"),
        ("services:\n  web: {image: x\n", "close the quote or the bracket that begins in this line"),
    ],
)
def test_a_character_that_many_do_not_know_of(text: str, words: str) -> None:
    assert words in (refuse(INVALID, text).hint or "")


def test_only_the_broken_one_of_several_files_is_named() -> None:
    other = FILE.with_name("b.yaml")
    error = make_refusal_error(INVALID, (FILE, other), {FILE: b"a: 1\n", other: b"a: 1\nb: [x\n"}, str)
    assert error.where is not None
    assert (error.where.file, error.where.line) == (str(other), 2)


def test_one_line_is_named_and_not_two() -> None:
    error = refuse("yaml: line 1: did not find expected key", "a:\n   b: 1\n  c: 1\n")
    assert error.where is not None
    assert error.where.line == 3
    assert "project: yaml: did not find expected key\n" in str(error)


MERGE = "yaml: map merge requires map or sequence of maps as the value"


@pytest.mark.parametrize(
    "text",
    [
        "x-a: &a text\nservices:\n  web:\n    <<: *a\n",
        "x-a: &a [text]\nservices:\n  web:\n    <<: *a\n",
        "x-a: &a {}\nservices:\n  web:\n    <<: [*a, text]\n",
        "x-a: &a {<<: {}}\nservices:\n  web:\n    <<:\n",
    ],
)
def test_the_line_of_what_cannot_be_merged(text: str) -> None:
    where = refuse(MERGE, text).where
    assert where is not None
    assert where.line == 4


def test_a_merge_that_is_right_is_not_blamed() -> None:
    where = refuse(MERGE, "x-a: &a {}\nservices:\n  web:\n    <<: [*a, {}]\n").where
    assert where is not None
    assert where.line is None


UNKNOWN = "validating /none/shop/compose.yaml: {} Additional property {} is not allowed"
KEYS = """\
services:
  web:
    image: x
    provider: {type: y}
    comand: z
    build:
      provenance: true
    networks:
      front:
        interface_name: e
    develop:
      watch:
        - path: .
        - initial_sync: true
models:
  m: {}
"""


@pytest.mark.parametrize(
    ("path", "key", "line", "needed"),
    [
        ("services.web", "provider", 4, "2.36.0"),
        ("services.web.build", "provenance", 7, "2.39.0"),
        ("services.web.networks.front", "interface_name", 10, "2.36.0"),
        ("services.web.develop.watch.1", "initial_sync", 14, "2.39.4"),
        ("(root)", "models", 15, "2.38.0"),
        ("services.web", "comand", 5, None),
    ],
)
def test_a_key_that_is_newer_than_compose(path: str, key: str, line: int, needed: str | None) -> None:
    error = refuse(UNKNOWN.format(path, key), KEYS)
    assert error.where is not None
    assert error.where.line == line
    assert (error.where.key or "").endswith(key)
    hint = error.hint or ""
    assert ("the file is right, Compose is too old" in hint) == (needed is not None)
    if needed is not None:
        assert f"`{key}` needs {needed} or newer, this is 2.26.1-4" in hint
        assert "docker-compose-plugin" in hint


def test_the_words_of_newer_versions() -> None:
    said = "validating /none/shop/compose.yaml: services.web additional properties 'provider' not allowed"
    assert "needs 2.36.0" in (refuse(said, KEYS, "2.34.0").hint or "")


@pytest.mark.parametrize("version", ["2.36.0", "2.40.1", "v5.0.0"])
def test_a_compose_that_is_new_enough_is_not_called_old(version: str) -> None:
    assert "too old" not in (refuse(UNKNOWN.format("services.web", "provider"), KEYS, version).hint or "")


def test_without_a_version_the_one_that_is_needed_is_said() -> None:
    assert "2.36.0 or newer, this is an older one" in (
        refuse(UNKNOWN.format("services.web", "provider"), KEYS, "").hint or ""
    )


def test_the_key_that_is_named_has_its_line() -> None:
    error = refuse("validating /none/shop/compose.yaml: services.web.networks must be a mapping", KEYS)
    assert str(error.where) == "/none/shop/compose.yaml:8: services.web.networks"


def test_words_that_name_nothing_stay_as_they_are() -> None:
    error = make_refusal_error("it ended with exit code 1", (FILE, FILE.with_name("b")), {FILE: b"a: 1\n"}, str)
    assert (error.where, error.message) == (None, "Compose refuses this project: it ended with exit code 1")
