"""The shape of optbuild.toml as frozen values; ``builder.spec.reader`` turns a file into them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ImageTable(_Table):
    name: str
    tags: tuple[str, ...] = ("latest",)
    labels: Mapping[str, str] = Field(default_factory=dict)
    env: Mapping[str, str] = Field(default_factory=dict)


class BaseTable(_Table):
    debian: str


class AirflowTable(_Table):
    version: str
    extras: tuple[str, ...] = ()
    constraints: str | Literal[False] = "official"


class PythonTable(_Table):
    version: str
    requirements: tuple[str, ...] = ()
    requirements_files: tuple[str, ...] = Field(default=(), alias="requirements-files")


class AptTable(_Table):
    runtime: tuple[str, ...] = ()
    build: tuple[str, ...] = ()


class BuildTable(_Table):
    multi_stage: bool = Field(default=True, alias="multi-stage")


class HealthTable(_Table):
    http: str
    port: int


class RoleTable(_Table):
    enabled: bool = True
    command: tuple[str, ...] | None = None
    health: HealthTable | None = None


class VerifyTable(_Table):
    database: str = "postgres:13"


class ProtectTable(_Table):
    images: tuple[str, ...] = ()


class BudgetTable(_Table):
    image_bytes: str | None = Field(default=None, alias="image-bytes")


class Spec(_Table):
    """What a person wants. ``folder`` is where the file lies: paths in it are relative to that."""

    folder: Path
    image: ImageTable
    base: BaseTable
    airflow: AirflowTable
    python: PythonTable
    apt: AptTable = AptTable()
    build: BuildTable = BuildTable()
    roles: Mapping[str, RoleTable] = Field(default_factory=dict)
    verify: VerifyTable = VerifyTable()
    protect: ProtectTable = ProtectTable()
    budget: BudgetTable = BudgetTable()
