"""What a file means, as the second net under every edit sees it."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.compose.yaml.parse import parse_compose_file
from builder.compose.yaml.values import resolve_values, select_unplanned_values


def read(text: str) -> dict[str, object]:
    return resolve_values(parse_compose_file(Path("compose.yml"), text.encode()))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a: b", "'a':  \"b\"  # c"),
        ("a: {b: [c, d]}", "a:\n  b:\n  - c\n  - d"),
        ("x: &x {b: 1}\na: {<<: *x, b: 2}", "x: {b: 1}\na: {b: 2}"),
        ("x: &x {b: 1}\ny: &y {b: 2, c: 3}\na: {<<: [*x, *y]}", "x: {b: 1}\ny: {b: 2, c: 3}\na: {b: 1, c: 3}"),
        ("a: |\n  b\n", 'a: "b\\n"'),
        ("# nothing", ""),
    ],
)
def test_styles_do_not_count(one: str, other: str) -> None:
    assert read(one) == read(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a: 1", "a: '1'"),
        ("a: b", "a: c"),
        ("a: [b, c]", "a: [c, b]"),
        ("a: null", "a: 'null'"),
        ("a: !reset b", "a: b"),
        ("a: !override {b: c}", "a: {b: c}"),
    ],
)
def test_meanings_do(one: str, other: str) -> None:
    assert read(one) != read(other)


def test_only_the_planned_keys_of_services_and_extensions_may_differ() -> None:
    def shown(text: str) -> dict[str, object]:
        return select_unplanned_values(parse_compose_file(Path("compose.yml"), text.encode()))

    before = "x-a: {b: [{build: ., c: d}]}\nservices: {web: {build: ., user: me}}\nvolumes: {image: {}}\n"
    assert shown(before) == shown(before.replace("build: .", "image: x, pull_policy: never"))
    assert shown(before) != shown(before.replace("me", "you"))
    assert shown(before) != shown(before.replace("c: d", "c: e"))
    assert shown(before) != shown(before.replace("{image: {}}", "{}"))
