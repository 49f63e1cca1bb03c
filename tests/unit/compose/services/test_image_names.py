"""Image names: which Compose gave which, and words for new ones."""

from __future__ import annotations

from project_factories import build, project, service

from builder.compose.services.image_names import list_possible_names, slugify


def test_names_that_older_versions_of_compose_gave() -> None:
    made = project(service("web", build=build()), name="my-shop")
    assert list_possible_names(made.services["web"]) == (
        "my-shop-web:latest",
        "my-shop_web:latest",
        "myshop_web:latest",
    )


def test_a_name_in_the_file_is_the_only_one() -> None:
    web = service("web", build=build(), image="mine")
    assert list_possible_names(web) == ("mine:latest",)


def test_no_name_is_made_up_for_a_service_without_image_and_build() -> None:
    empty = service("fluentd")  # as `image: ${FLUENTD_IMAGE}` is read where the variable has no value
    assert not empty.has_image
    assert list_possible_names(empty) == ()


def test_a_word_of_a_name() -> None:
    assert slugify("My App_2!") == "my-app-2"
    assert slugify("日本") == ""
