"""TOML of other people: every fault is one kind of error, at once."""

from __future__ import annotations

import time
import tomllib

import pytest

from builder.core.toml_text import MOST_PARTS, parse_toml


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = 1\na = 2\n", "overwrite"),
        ("a = " + "[" * 100_000, "nested too deeply"),
        ("a = " + "9" * 5_000, "too many digits"),
        ("[" + ".".join(["a"] * 100_000) + "]\n", f"more than {MOST_PARTS} parts"),
        ("b = 1\n" + " . ".join(["a"] * 100_000) + " = 1\n", "at line 2"),
    ],
)
def test_what_is_wrong_is_a_decode_error_at_once(text: str, words: str) -> None:
    started = time.process_time()
    with pytest.raises(tomllib.TOMLDecodeError, match=words):
        parse_toml(text)
    assert time.process_time() - started < 5


def test_a_value_may_have_many_dots() -> None:
    dots = ".".join(["a"] * 300)
    assert parse_toml(f"[a.b]\nc = '{dots}'") == {"a": {"b": {"c": dots}}}
