"""Files that mean far more than they say are refused with their line, before anybody copies what they mean."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from builder.compose.yaml.alias_size import MANY_VALUES, MOST_VALUES, AliasSize, measure_aliases
from builder.compose.yaml.parse import parse_compose_file, read_tree
from builder.core.errors import ComposeError

SERVICES = "services: {a: {image: x}}\n"


def multiply_lists(levels: int, width: int) -> str:
    lines = ["x-a0: &a0 [v]"]
    lines += [f"x-a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels + 1)]
    return "\n".join((*lines, SERVICES))


def multiply_mappings(levels: int, width: int) -> str:
    lines = ["x-a0: &a0 {k: v}"]
    levels_of = range(1, levels + 1)
    lines += [f"x-a{n}: &a{n} {{{', '.join(f'k{i}: *a{n - 1}' for i in range(width))}}}" for n in levels_of]
    return "\n".join((*lines, SERVICES))


def multiply_merges(levels: int, width: int) -> str:
    lines = ["x-a0: &a0 {k: v}"]
    levels_of = range(1, levels + 1)
    lines += [f"x-a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * width)}], k{n}: v}}" for n in levels_of]
    return "\n".join((*lines, SERVICES))


def repeat_one(values: int, times: int) -> str:
    return f"x-a: &a [{', '.join(['v'] * values)}]\nx-b: [{', '.join(['*a'] * times)}]\n{SERVICES}"


def repeat_text(characters: int, times: int) -> str:
    return f"x-a: &a {'v' * characters}\nx-b: [{', '.join(['*a'] * times)}]\n{SERVICES}"


def share_block(variables: int, services: int, extra: str = "") -> str:
    """As people write it: one block for all services, its variables merged once more."""
    env = "".join(f"    V{n}: v\n" for n in range(variables))
    head = f"x-common: &common\n  build: .\n  environment: &env\n{env}services:\n"
    return head + "".join(f"  s{n}:\n    <<: *common\n{extra}" for n in range(services))


def measure(text: str) -> AliasSize:
    return measure_aliases(read_tree(text.encode()).roots)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (multiply_lists(14, 2), 15),
        (multiply_lists(6, 9), 7),
        (multiply_mappings(14, 2), 15),
        (multiply_merges(7, 9), 8),
        (repeat_one(3000, 3000), 2),
        (repeat_text(1_000_000, 3000), 2),
    ],
    ids=["lists", "wide lists", "mappings", "merges", "quadratic", "one long text"],
)
def test_what_multiplies_is_refused_with_the_line_that_does_most(text: str, line: int) -> None:
    started = time.process_time()
    with pytest.raises(ComposeError, match="Compose would copy each of them") as caught:
        parse_compose_file(Path("compose.yaml"), text.encode())
    assert time.process_time() - started < 5
    assert caught.value.where is not None
    assert caught.value.where.line == line
    assert caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        multiply_lists(10, 2),
        share_block(100, 1000),
        share_block(200, 300, "    environment: {<<: *env, A: b}\n"),
        repeat_one(30, 300),
        "x-a: &a {b: *a}\n" + SERVICES,
        SERVICES,
        "",
    ],
    ids=["a thousand values", "a thousand services", "two merges each", "a list", "itself", "no alias", "nothing"],
)
def test_what_people_write_is_not(text: str) -> None:
    found = measure(text)
    assert not found.is_too_much, str(found)


@pytest.mark.parametrize("text", [multiply_lists(5, 3), multiply_mappings(4, 3), repeat_one(7, 8)])
def test_the_count_is_that_of_the_values_when_they_are_copied(text: str) -> None:
    def count(value: object) -> int:
        if isinstance(value, dict):
            return 1 + sum(count(part) for pair in value.items() for part in pair)
        return 1 + sum(map(count, value)) if isinstance(value, list) else 1

    assert measure(text).meant == count(yaml.safe_load(text))


def test_sixty_levels_are_counted_in_no_time_and_said_in_words() -> None:
    found = measure(multiply_lists(500, 9))
    assert found.is_too_much
    assert f"more than {MOST_VALUES:,}" in str(found)
    assert MANY_VALUES < MOST_VALUES


def test_any_depth_is_counted() -> None:
    assert measure("x: " + "[" * 900 + "]" * 900).meant == 902
