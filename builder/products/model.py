"""What is known of a program that compose files run beside Airflow, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProductTraits:
    """What ``plan --explain OB104`` says of a product beyond name, purpose and language."""

    libraries: str
    configuration: str
    entry: str
    resources: str
    scaling: str
    life: str


@dataclass(frozen=True)
class HealthTest:
    """The health check that the documentation of these images gives. ``images``: last words; ``test``: as YAML."""

    images: tuple[str, ...]
    test: str


@dataclass(frozen=True)
class Storage:
    """Where images write. ``images``: names without registry, ``library/`` and tag; ``declared``: their VOLUME.

    ``servers`` are the first words that start the server; ``variable`` and ``option`` move ``data``.
    """

    images: tuple[str, ...]
    data: str
    declared: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    variable: str | None = None
    option: str | None = None
    only_on_request: bool = False
    """A cache or broker, which has nothing to lose unless its command asks for persistence."""


@dataclass(frozen=True)
class Product:
    """A program that compose files run beside Airflow. ``purpose`` completes "it is …"; ``keeps_data``: on a disk."""

    name: str
    purpose: str
    language: str
    images: tuple[str, ...] = ()
    """Last words of image names."""
    keeps_data: bool = False
    data_folders: tuple[str, ...] = ()
    """Where a mount shows that this product runs, by the documentation of its images."""
    programs: tuple[str, ...] = ()
    """That are its server, the usual one first. Clients (psql, pg_isready, redis-cli) are not among them."""
    services: tuple[str, ...] = ()
    """Names that ``service NAME start`` and ``systemctl start NAME`` know in Debian."""
    packages: str | None = None
    """A regular expression for the system packages that bring the server, not a client: not ``mariadb-client``."""
    schemes: tuple[str, ...] = ()
    """Of the address of a database, without the driver (``postgresql`` of ``postgresql+psycopg2://``)."""
    health_tests: tuple[HealthTest, ...] = ()
    storages: tuple[Storage, ...] = ()
    own_traits: ProductTraits | None = None

    @property
    def traits(self) -> ProductTraits:
        """Those of its kind where it has none of its own."""
        return self.own_traits or (_STORES if self.keeps_data else _OTHERS)


_STORES = ProductTraits(
    "those of its own image",
    "its own files and variables",
    "that of its own image",
    "memory, and a disk that must not lose a write",
    "by its own rules, never with the number of schedulers",
    "as long as its data; upgraded by its own steps",
)
_OTHERS = ProductTraits(
    "those of its own image",
    "its own files and variables",
    "that of its own image",
    "its own",
    "by its own load",
    "its own releases; a new requirement of Airflow does not concern it",
)
