"""Image names: when two are the same, which are valid, which Compose gave which."""

from __future__ import annotations

from dataclasses import replace

import pytest
from making import build, project, service

from builder.compose.naming import candidate_names, familiar, has_registry, is_reference, repository, slug, with_tag
from builder.compose.wording import every, listed, times


@pytest.mark.parametrize(
    ("image", "same"),
    [
        ("redis", "redis:latest"),
        ("docker.io/library/redis", "redis:latest"),
        ("index.docker.io/library/redis:7", "redis:7"),
        ("docker.io/bitnami/redis", "bitnami/redis:latest"),
        ("host:5000/redis", "host:5000/redis:latest"),
        ("redis@sha256:0", "redis@sha256:0"),
    ],
)
def test_one_spelling_for_each_image(image: str, same: str) -> None:
    assert familiar(image) == same


def test_a_registry_s_port_is_no_tag() -> None:
    assert with_tag("host:5000/x") == "host:5000/x:latest"


@pytest.mark.parametrize(
    "name", ["a", "a/b:1", "a.b_c__d-e--f", "host:5000/a", "Host.example/a", "a:V1.0_x-", "[::1]:5000/a"]
)
def test_valid_names(name: str) -> None:
    assert is_reference(name)


@pytest.mark.parametrize(
    "name", ["", "A", "a_-b", "a___b", "-a", "a:", "a:-x", "a b", "a@sha256:0", "a\n", "a//b", "x" * 256]
)
def test_names_under_which_nothing_can_be_built(name: str) -> None:
    assert not is_reference(name)


@pytest.mark.parametrize(
    ("image", "registry"),
    [("a", False), ("team/a", False), ("localhost/a", True), ("r.example/a", True), ("r:5000/a", True), ("a.b", False)],
)
def test_which_names_carry_a_registry(image: str, registry: bool) -> None:
    assert has_registry(image) is registry


def test_the_last_word_of_a_name() -> None:
    assert repository("r.example:5000/team/Postgres:13@sha256:0") == "postgres"


def test_names_that_older_versions_of_compose_gave() -> None:
    web = service("web", build=build())
    assert candidate_names(replace(project(web), name="my-shop"), web) == (
        "my-shop-web:latest",
        "my-shop_web:latest",
        "myshop_web:latest",
    )


def test_a_name_in_the_file_is_the_only_one() -> None:
    web = service("web", build=build(), image="mine")
    assert candidate_names(project(web), web) == ("mine:latest",)


def test_a_word_of_a_name() -> None:
    assert slug("My App_2!") == "my-app-2"
    assert slug("日本") == ""


def test_lists_in_messages() -> None:
    assert (listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])) == (
        "",
        "a",
        "a and b",
        "a, b and c",
    )
    assert listed([str(number) for number in range(12)]) == "0, 1, 2, 3, 4, 5, 6, 7 and 4 more"
    assert (times(1), times(2), times(3)) == ("once", "twice", "3 times")
    assert (every(2), every(3)) == ("both", "all 3")
