"""The roles of an Airflow image, as data: how each is started and how one sees that it does its job."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HttpHealth:
    """The role answers HTTP. ``json_components`` are keys whose ``status`` must be ``healthy``: the HTTP code is 200
    even when the scheduler is dead (Airflow documentation, "Checking Airflow Health Status")."""

    path: str
    port: int
    json_components: tuple[str, ...] = ()


@dataclass(frozen=True)
class JobHealth:
    """The role keeps a job alive in the database; ``airflow jobs check --job-type`` sees it."""

    job_type: str


@dataclass(frozen=True)
class ExitHealth:
    """The role does its work and ends with exit code 0."""


Health = HttpHealth | JobHealth | ExitHealth


@dataclass(frozen=True)
class Role:
    """One way to start the image. ``command`` are the words behind ``/entrypoint``, ``environment`` is set for them."""

    name: str
    command: tuple[str, ...]
    health: Health | None
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Release:
    """What differs between Airflow versions. Sources: each version's metadata on PyPI and its official image."""

    version: str
    python_versions: tuple[str, ...]
    roles: tuple[Role, ...]
    """On by default."""
    optional_roles: tuple[Role, ...] = ()
    """Exist in this version, off unless the spec enables them (``triggerer``, ...)."""
    uses_gosu: bool = False
    """The official image has gosu and its compose file's init calls it (all 2.x here)."""
    migrate: tuple[str, ...] = ("db", "migrate")
    """Words behind ``airflow`` that bring the database's tables up to this version (``db upgrade`` before 2.7)."""
