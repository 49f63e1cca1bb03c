"""Bytes of the whole in zstd-10, pushed straight from BuildKit of an engine with containerd's image store."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from bench import OURS, PartSkippedError
from session import open_other_engine

from builder.engine.buildx import BuildOptions

if TYPE_CHECKING:
    from bench import Bench

PART = "zstd"
LEVEL = "zstd:10"
SETTINGS = {"features": {"containerd-snapshotter": True}}


def run(bench: Bench) -> None:
    if "compression" not in {field.name for field in fields(BuildOptions)}:
        raise PartSkippedError("`optbuild build` has no --compression yet")
    bench.record(PART, OURS, 0, lambda: measure(bench))


def measure(bench: Bench) -> dict[str, Any]:
    settings = bench.session.folder / "containerd.json"
    settings.write_text(json.dumps(SETTINGS))
    repository = f"{PART}-{OURS}"
    folder = bench.ours.copy(PART)
    bench.ours.change_spec(folder, image={"name": f"{bench.session.registry.address}/{repository}"})
    with open_other_engine(bench.session, PART, "--config-file", str(settings)) as engine:
        bench.ours.forget(bench.our_base)
        pushed = bench.session.registry.count_pushed_bytes(
            lambda: bench.ours.build(folder, "--push", "--compression", LEVEL, engine=engine)
        )
    return {"compressed": pushed}
