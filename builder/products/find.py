"""What is known of the programs that compose files run beside Airflow: how to find the row of the table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.core.image_reference import extract_last_component
from builder.products.table import PRODUCTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.products.model import Product, Storage

ENTRYPOINT = "docker-entrypoint.sh"
"""The first word by which official images of servers start theirs."""
_BY_IMAGE = {word: product for product in PRODUCTS for word in product.images}
_BY_PROGRAM = {program: product for product in PRODUCTS for program in product.programs}
_BY_SERVICE = {service: product for product in PRODUCTS for service in product.services}
_BY_SCHEME = {scheme: product for product in PRODUCTS for scheme in product.schemes}
_BY_FOLDER = {folder: product for product in PRODUCTS for folder in product.data_folders}
_TESTS = {word: one.test for product in PRODUCTS for one in product.health_tests for word in one.images}
_STORAGES = {name: (product, one) for product in PRODUCTS for one in product.storages for name in one.images}
TESTED_SERVERS = frozenset(product.programs[0] for product in PRODUCTS if product.health_tests)
"""First words that start a server of which a health test is known."""


def find_by_image(image: str | None) -> Product | None:
    """By the name of the image that a service starts or builds on; None also where there is none."""
    return find_by_image_word(extract_last_component(image)) if image else None


def find_by_image_word(word: str) -> Product | None:
    """By the last word of an image's name: ``redis`` of ``registry.example/library/redis:7``."""
    return _BY_IMAGE.get(word.replace("_", "-"))


def find_by_data_folder(targets: Iterable[str]) -> Product | None:
    """By the folders inside a container at which something is mounted."""
    targets = tuple(targets)
    for folder, product in _BY_FOLDER.items():
        if any(target == folder or target.startswith(folder + "/") for target in targets):
            return product
    return None


def find_by_program(program: str) -> Product | None:
    """The product whose server this program is."""
    return _BY_PROGRAM.get(program)


def find_by_system_service(name: str) -> Product | None:
    """The product that ``service NAME start`` starts."""
    return _BY_SERVICE.get(name)


def find_by_package(package: str) -> Product | None:
    """The product whose server a system package brings."""
    known = (product for product in PRODUCTS if product.packages and re.fullmatch(product.packages, package))
    return next(known, None)


def find_by_scheme(scheme: str) -> Product | None:
    """The database that an address with this scheme means."""
    return _BY_SCHEME.get(scheme)


def find_health_test(image_word: str) -> str | None:
    """The ``test`` of a health check, as YAML, by the last word of the image's name."""
    return _TESTS.get(image_word)


def find_storage(image_name: str) -> tuple[Product, Storage] | None:
    """By the whole name of the image, without registry, ``library/`` and tag."""
    return _STORAGES.get(image_name)
