"""Filters that say what they mean, orders, and errors that teach."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from fake_image_store import Shelf, identity, image, user

from builder.cli.images import SORTS
from builder.core.errors import StoreUsageError
from builder.store.inventory import make_image_rows
from builder.store.model import RetentionReason
from builder.store.select import (
    FILTERS,
    SortKey,
    check_keep,
    filter_rows,
    parse_age,
    parse_filter,
    parse_sort,
    sort_rows,
)

if TYPE_CHECKING:
    from builder.store.model import ImageRow

NOW = 100 * 86400.0


def rows() -> tuple[ImageRow, ...]:
    shelf = Shelf(users=[user(identity("app"), project="shop")])
    shelf.add(
        image("app", ("base", "application"), "app:1", labels={"team": "ml"}, created=NOW - 86400),
        image("lib", ("base", "lib"), "registry.example/lib:2", labels={"team": ""}, created=NOW - 10 * 86400),
        image("bare", ("base", "dark"), created=NOW - 5 * 86400, sizes={"dark": None}),
    )
    return make_image_rows(shelf.snapshot())


def test_the_age_of_an_image_whose_date_was_set_is_that_of_its_name() -> None:
    shelf = Shelf()
    set_date = image("set", ("base",), "set:1", created=0.0)
    shelf.add(
        replace(set_date, named_at=NOW - 86400, has_set_date=True), image("old", ("base",), created=NOW - 5 * 86400)
    )
    made = make_image_rows(shelf.snapshot())
    assert [row.image.names for row in filter_rows(made, [parse_filter("newer=2d")], now=NOW)] == [("set:1",)]
    assert [row.image.names for row in sort_rows(made, SortKey.CREATED)] == [("set:1",), ()]


def found(*texts: str) -> list[str]:
    chosen = filter_rows(rows(), [parse_filter(text) for text in texts], now=NOW)
    return [bytes.fromhex(one.image.id.removeprefix("sha256:")).decode().rstrip("\0") for one in chosen]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ((), ["app", "lib", "bare"]),
        (("standing=in-use",), ["app"]),
        (("standing=dangling",), ["bare"]),
        (("standing=dangling", "standing=unused"), ["lib", "bare"]),
        (("name=app:*",), ["app"]),
        (("name=app",), ["app"]),
        (("name=ap",), []),
        (("name=registry.example/*",), ["lib"]),
        (("label=team",), ["app", "lib"]),
        (("label=team=m*",), ["app"]),
        (("label=team=",), ["lib"]),
        (("project=shop",), ["app"]),
        (("older=4d",), ["lib", "bare"]),
        (("newer=7d", "older=2d"), ["bare"]),
    ],
)
def test_filters(texts: tuple[str, ...], expected: list[str]) -> None:
    assert found(*texts) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dangling", "is not key=value"),
        ("standing=", "is not key=value"),
        ("standng=unused", "perhaps you meant standing="),
        ("standing=danglin", "perhaps you meant 'dangling'"),
        ("standing=xyz", "one of in use, referenced, protected, kept for rollback, superseded, dangling, unused"),
        ("older=yesterday", "a number and s, m, h, d or w"),
        ("colour=red", "label=KEY or label=KEY=VALUE"),
    ],
)
def test_a_filter_that_says_nothing_is_explained(text: str, words: str) -> None:
    with pytest.raises(StoreUsageError) as raised:
        parse_filter(text)
    assert words in str(raised.value)


def test_every_key_is_explained_and_every_standing_can_be_asked_for() -> None:
    assert all(text.startswith(f"{key}=") for key, text in FILTERS.items())
    for one in RetentionReason:
        assert parse_filter(f"standing={one.value}").value == one.value


def test_ages() -> None:
    assert [parse_age(text, "--min-age") for text in ("90s", "1.5m", "2h", "4d", "1w")] == [
        90,
        90,
        7200,
        345600,
        604800,
    ]
    with pytest.raises(StoreUsageError, match="is not an age"):
        parse_age("4", "--min-age")


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (SortKey.SIZE, ["app", "lib", "bare"]),
        (SortKey.FREES, ["app", "lib", "bare"]),
        (SortKey.CREATED, ["app", "bare", "lib"]),
        (SortKey.NAME, ["app", "lib", "bare"]),
        (SortKey.STANDING, ["app", "bare", "lib"]),
    ],
)
def test_orders(by: SortKey, expected: list[str]) -> None:
    ordered = sort_rows(reversed(rows()), by)
    assert [bytes.fromhex(one.image.id.removeprefix("sha256:")).decode().rstrip("\0") for one in ordered] == expected


def test_an_order_that_there_is_not_is_said_with_those_that_there_are() -> None:
    assert [parse_sort(one.value) for one in SortKey] == list(SortKey)
    assert f"[{'|'.join(SortKey)}]" == SORTS
    with pytest.raises(StoreUsageError) as caught:
        parse_sort("bytes")
    said = "--sort 'bytes': use size, unique, shared, frees, created, name or standing"
    assert str(caught.value) == said


def test_two_always_stay_for_a_rollback() -> None:
    assert check_keep(2) == 2
    with pytest.raises(StoreUsageError, match="--keep 1: at least 2 stay for a rollback"):
        check_keep(1)
