"""Wheels of a lock's sources, built in its builder stage: for what cannot be locked before it is built."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from builder.engine.buildx import BuildOptions, BuildPlan, check_options, find_builder
from builder.engine.client import connect_engine
from builder.engine.secrets import find_secrets
from builder.image.base.make import make_base
from builder.image.build.build import run_buildx
from builder.image.build.workspace import CONTEXTS, make_build_folder
from builder.image.render.context import render_wheels_context

if TYPE_CHECKING:
    from pathlib import Path

    from builder.core.runtime import Runtime
    from builder.image.lock.model import Lock

REFERENCE = "wheels of one lock"
"""What is built, where an image has its name: it becomes none."""


def build_wheels(runtime: Runtime, lock: Lock, folder: Path, announcement: str) -> None:
    """Unpack the wheels of the lock's sdists into ``folder``. ``announcement`` is said before anything is made.

    Raises EngineMissingError and others where no build can begin here, BuildFailedError where it fails.
    """
    options = BuildOptions()
    with connect_engine(runtime.env) as engine:
        builder = find_builder(runtime.runner, runtime.env, None)
        store = engine.info.containerd_store
        check_options(options, builder, reference=REFERENCE, platform=lock.platform, containerd_store=store)
    runtime.progress.note(announcement)
    context = render_wheels_context(lock)
    with make_build_folder(runtime.cache_folder / CONTEXTS) as work:
        context.write(work / "context")
        make_base(runtime, context, work / "context")
        plan = BuildPlan(
            reference=REFERENCE,
            platform=lock.platform,
            source_date_epoch=lock.source_date_epoch,
            metadata=work / "metadata.json",
            folder=work / "context",
            options=options,
            secrets=find_secrets(runtime.env),
            rawjson=builder.supports_rawjson,
            output=work / "wheels",
        )
        run_buildx(plan, runtime)
        for wheel in sorted((work / "wheels").glob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder)
