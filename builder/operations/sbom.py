"""``optbuild inspect --sbom``: the bill of materials, with the hashes of the lock that is named."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import builder
from builder.core.errors import OptbuildError
from builder.core.naming import LOCK_FILE

if TYPE_CHECKING:
    from builder.core.progress import Progress
    from builder.core.runtime import Runtime
    from builder.image.lock.model import Lock
    from builder.inspect.model import Inspection


class Sbom(StrEnum):
    NONE = "none"
    CYCLONEDX = "cyclonedx"


SbomFormat = Annotated[
    Sbom, typer.Option("--sbom", help="Instead, the bill of materials: CycloneDX 1.6 as JSON, always the same bytes.")
]
LockPath = Annotated[
    Path | None,
    typer.Option("--lock", metavar="DIR|FILE", help="With --sbom: the optbuild.lock whose hashes it gets."),
]


@dataclass(frozen=True)
class BillOfMaterials:
    """What it needs beside the image."""

    lock: Lock | None = field(repr=False)
    epoch: int | None
    progress: Progress = field(repr=False)

    def format_text(self, inspection: Inspection) -> str:
        """Says on stderr where the lock is not this image's: then some components have no hash."""
        from builder.inspect.lock_diff import compare_with_lock
        from builder.inspect.sbom.cyclonedx_document import format_cyclonedx  # 0.4 s

        if self.lock is not None and compare_with_lock(inspection, self.lock).differs:
            self.progress.note("the image is not what the lock says: `optbuild diff IMAGE LOCK` shows where")
        return format_cyclonedx(inspection, self.lock, version=builder.__version__, epoch=self.epoch)


def make_bill_of_materials(
    runtime: Runtime, sbom: Sbom, lock: Path | None, spec: Path | None
) -> BillOfMaterials | None:
    """None: none was asked for. ``lock``, or else the one beside the spec; made before the image is read.

    Raises what reading a lock raises, and OptbuildError where a lock was named for nothing.
    """
    if sbom is Sbom.NONE:
        if lock is None:
            return None
        hint = "add --sbom cyclonedx; `optbuild diff IMAGE LOCK` compares an image with a lock"
        raise OptbuildError("--lock needs --sbom", hint=hint)
    found = _read_sbom_lock(runtime, lock, spec)
    if found is None:
        runtime.progress.note("the bill of materials has no hashes: --lock DIR takes them from an optbuild.lock")
    return BillOfMaterials(found, _read_source_date_epoch(runtime), runtime.progress)


def _read_sbom_lock(runtime: Runtime, lock: Path | None, spec: Path | None) -> Lock | None:
    from builder.image.lock.document import read_lock

    if lock is not None:
        return read_lock(_resolve_lock_path(runtime.cwd / lock))
    if spec is None:
        return None
    beside = _resolve_lock_path(runtime.cwd / spec).with_name(LOCK_FILE)
    return read_lock(beside) if beside.is_file() else None


def _resolve_lock_path(path: Path) -> Path:
    return path / LOCK_FILE if path.is_dir() else path


def _read_source_date_epoch(runtime: Runtime) -> int | None:
    """SOURCE_DATE_EPOCH as reproducible-builds.org has it: whole seconds."""
    text = runtime.env.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,11}", text):
        raise OptbuildError(f"SOURCE_DATE_EPOCH={text} is not a number of seconds", hint="unset it, or set it to one")
    return int(text)
