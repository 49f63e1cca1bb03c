"""The shape of optbuild.toml as frozen values; ``builder.image.spec.reader`` turns a file into them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from builder.core.naming import DEFAULT_DATABASE, MOST_LAYERS, SPEC_FILE
from builder.core.slim_rules import RULES
from builder.image.spec.types import (
    BaseImage,
    BrokerImage,
    ByteSize,
    CleanPath,
    CommandWords,
    ConstraintsChoice,
    DatabaseImage,
    DebianPackageName,
    DebianRelease,
    EnvironmentKey,
    EnvironmentValue,
    Extra,
    Flag,
    HttpPath,
    ImageName,
    ImagePath,
    ImagePattern,
    LabelKey,
    LabelValue,
    LayerCount,
    PackageName,
    PackageVersion,
    Percent,
    Port,
    PythonVersion,
    Requirement,
    RoleName,
    RunFolder,
    Tags,
    WasteSize,
)

BaseKind = Literal["debian", "image", "airflow"]
ImageKind = Literal["roles", "base"]


class _SpecTable(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ImageTable(_SpecTable):
    name: ImageName
    kind: ImageKind = "roles"
    """``roles``: it starts Airflow's roles; ``base``: others are made from it, and it has none of its own."""
    tags: Tags = ("latest",)
    labels: Mapping[LabelKey, LabelValue] = Field(default_factory=dict)
    env: Mapping[EnvironmentKey, EnvironmentValue] = Field(default_factory=dict)


class BaseTable(_SpecTable):
    """Exactly one of the three; ``builder.image.spec.checks`` holds that."""

    debian: DebianRelease | None = None
    image: BaseImage | None = None
    airflow: BaseImage | None = None

    @property
    def kind(self) -> BaseKind:
        return "debian" if self.debian else "image" if self.image else "airflow"


class AirflowTable(_SpecTable):
    version: PackageVersion
    extras: tuple[Extra, ...] = ()
    constraints: ConstraintsChoice = "official"


class PythonTable(_SpecTable):
    version: PythonVersion
    requirements: tuple[Requirement, ...] = ()
    requirements_files: tuple[CleanPath, ...] = Field(default=(), alias="requirements-files")


class AptTable(_SpecTable):
    runtime: tuple[DebianPackageName, ...] = ()
    build: tuple[DebianPackageName, ...] = ()


class BuildTable(_SpecTable):
    multi_stage: Flag = Field(default=True, alias="multi-stage")
    pause_gc_at_start: Flag = Field(default=True, alias="pause-gc-at-start")
    """Whether commands that end by themselves import Airflow with the garbage collector off.

    Not those that stay: at rest, a scheduler of 2.8.1 and its children took 3.0 % more memory with it."""
    run: tuple[CleanPath, ...] = ()
    """Scripts of the project, for what no other key does; they run in the builder stage, in this order."""
    run_folders: tuple[RunFolder, ...] = Field(default=(), alias="run-folders")
    """What they leave below these goes into the image."""
    run_files: tuple[CleanPath, ...] = Field(default=(), alias="run-files")
    """What of the project they see beside themselves."""
    run_network: Flag = Field(default=False, alias="run-network")


class LayersTable(_SpecTable):
    max: LayerCount = MOST_LAYERS
    """Layers of Python packages; 1: all in one."""


class _SlimFlags(_SpecTable):
    def read_flags(self) -> dict[str, bool]:
        """Rule of :data:`builder.core.slim_rules.RULES` → whether its files stay."""
        return self.model_dump(by_alias=True)


if TYPE_CHECKING:
    SlimTable = _SlimFlags
else:  # a flag for each rule, under its name
    SlimTable = create_model(
        "SlimTable",
        __base__=_SlimFlags,
        **{rule.name.replace("-", "_"): (Flag, Field(default=rule.stays, alias=rule.name)) for rule in RULES},
    )


class HealthTable(_SpecTable):
    http: HttpPath
    port: Port


class RoleTable(_SpecTable):
    enabled: Flag = True
    command: CommandWords | None = None
    health: HealthTable | None = None


class RenderTable(_SpecTable):
    templates: CleanPath | None = None
    """A folder with templates of the project's own; see :mod:`builder.image.render.templates`."""


class VerifyTable(_SpecTable):
    database: DatabaseImage = DEFAULT_DATABASE
    dags: CleanPath | None = None
    """A folder: each of its DAG files must import in the image."""
    broker: BrokerImage | None = None
    """None: :data:`builder.core.naming.DEFAULT_BROKER` where a role needs one."""


class ProtectTable(_SpecTable):
    images: tuple[ImagePattern, ...] = ()


class BudgetTable(_SpecTable):
    image_bytes: ByteSize | None = Field(default=None, alias="image-bytes")
    """Unpacked. See :func:`builder.image.spec.types.parse_byte_size`."""
    waste_bytes: WasteSize | None = Field(default=None, alias="waste-bytes")
    waste_percent: Percent | None = Field(default=None, alias="waste-percent")
    """Of the image's bytes."""
    package_bytes: Mapping[PackageName, ByteSize] = Field(default_factory=dict, alias="package-bytes")


class SpecFile(_SpecTable):
    """Exactly what the file may hold."""

    image: ImageTable
    base: BaseTable
    airflow: AirflowTable
    python: PythonTable
    apt: AptTable = AptTable()
    build: BuildTable = BuildTable()
    layers: LayersTable = LayersTable()
    slim: SlimTable = SlimTable()
    roles: Mapping[RoleName, RoleTable] = Field(default_factory=dict)
    files: Mapping[CleanPath, ImagePath] = Field(default_factory=dict)
    """A file or folder below the spec's folder → its path in the image; copied last, each in a layer of its own."""
    render: RenderTable = RenderTable()
    verify: VerifyTable = VerifyTable()
    protect: ProtectTable = ProtectTable()
    budget: BudgetTable = BudgetTable()


class Spec(SpecFile):
    """What a person wants. ``folder`` is that of the file: paths in it are relative to that."""

    folder: Path
    file: str = SPEC_FILE
    """How errors name the file."""
