"""The table of products: each way to find a row leads to one row."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from builder.products import find
from builder.products.table import PRODUCTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.products.model import Product

COLUMNS: dict[str, Callable[[Product], tuple[str, ...]]] = {
    "name": lambda product: (product.name,),
    "images": lambda product: product.images,
    "data_folders": lambda product: product.data_folders,
    "programs": lambda product: product.programs,
    "services": lambda product: product.services,
    "schemes": lambda product: product.schemes,
    "health_tests": lambda product: tuple(word for one in product.health_tests for word in one.images),
    "storages": lambda product: tuple(word for one in product.storages for word in one.images),
}


@pytest.mark.parametrize("column", COLUMNS)
def test_no_word_leads_to_two_products(column: str) -> None:
    words = Counter(word for product in PRODUCTS for word in COLUMNS[column](product))
    assert [word for word, number in words.items() if number > 1] == []


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.name)
def test_a_row_is_found_and_complete(product: Product) -> None:
    assert all(find.find_by_image_word(word) is product for word in product.images)
    assert all(find.find_by_data_folder((f"{folder}/x",)) is product for folder in product.data_folders)
    assert product.images or product.packages or product.schemes, "a row that nothing finds"
    if product.health_tests:
        assert product.programs, "a health test fits a service that starts the server: which program is it?"
        words = {word for one in product.health_tests for word in one.images}
        assert words <= set(product.images), "OB202 would advise a test for an image of which nobody knows what it is"
    if product.data_folders or product.storages:
        assert product.keeps_data or all(one.only_on_request for one in product.storages)


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("postgresql-15", "PostgreSQL"),
        ("postgresql-client-15", None),
        ("default-mysql-server", "MySQL"),
        ("mariadb-client", None),
        ("redis-tools", None),
        ("apache2", "Apache"),
    ],
)
def test_packages_that_bring_a_server(package: str, name: str | None) -> None:
    found = find.find_by_package(package)
    assert (found.name if found else None) == name


def test_what_is_found_by_other_words() -> None:
    assert find.find_by_program("mongod") is find.find_by_system_service("mongod")
    assert find.find_by_program("psql") is None, "a client"
    assert find.find_by_scheme("sqlite") is not None
    assert find.find_by_data_folder(("/data", "/var/lib/postgresql2")) is None
    assert find.find_by_image_word("redis_stack") is find.find_by_image_word("redis")


def test_a_product_without_traits_of_its_own_has_those_of_its_kind() -> None:
    grafana, nginx = find.find_by_image_word("grafana"), find.find_by_image_word("nginx")
    assert grafana is not None
    assert nginx is not None
    assert "must not lose a write" in grafana.traits.resources
    assert nginx.traits.resources == "its own"
