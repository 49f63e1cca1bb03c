"""All modules of the image and of one with all files are imported; the other image goes again, whatever is found."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from runtime_factory import make_runtime

from builder.core.errors import LostModulesError
from builder.engine.buildx import BuildOptions
from builder.image.build.model import BuildJob, Candidate
from builder.image.build.preflight import DiskEstimate
from builder.image.lock.document import read_lock
from builder.image.render.context import render_context
from builder.image.spec.reader import read_spec
from builder.operations import lost_modules
from builder.operations.lost_modules import check_modules, keep_all_files

if TYPE_CHECKING:
    from builder.core.runtime import Runtime

IMAGE = Path(__file__).parents[3] / "images/airflow"


class FakeEngine:
    def __init__(self) -> None:
        self.removed: list[str] = []

    def remove_reference(self, reference: str) -> None:
        self.removed.append(reference)


@pytest.fixture
def project() -> Any:
    return SimpleNamespace(spec=read_spec(IMAGE), lock=read_lock(IMAGE / "optbuild.lock"))


@pytest.mark.parametrize("problem", [None, "ModuleNotFoundError: a.tests"])
def test_what_is_lost_fails_by_name(
    tmp_path: Path, project: Any, monkeypatch: pytest.MonkeyPatch, problem: str | None
) -> None:
    engine: Any = FakeEngine()
    runtime: Runtime = make_runtime(tmp_path)
    job = BuildJob(
        runtime, render_context(project.spec, project.lock), "demo", engine, BuildOptions(), print, DiskEstimate(1)
    )
    candidate = Candidate("sha256:a", job.reference, job.content_tag, cached=False, seconds=1.0, bytes=1)

    def build(whole: BuildJob) -> Candidate:
        assert whole.context.find_file("scripts/slim.json").data == b"[]\n"
        return Candidate("sha256:b", whole.reference, whole.content_tag, cached=False, seconds=1.0, bytes=1)

    def import_all(_: object, image: str) -> dict[str, dict[str, str | None]]:
        return {"a": {"a.user": problem if image == candidate.reference else None, "a": None}}

    monkeypatch.setattr(lost_modules, "build_candidate", build)
    monkeypatch.setattr(lost_modules, "import_every_module", import_all)
    if problem is None:
        assert check_modules(job, project, candidate) == 2
    else:
        with pytest.raises(
            LostModulesError, match=r"broke 1 modules.*\n  a\.user \(a\): ModuleNotFoundError: a\.tests"
        ):
            check_modules(job, project, candidate)
    (removed,) = engine.removed
    assert removed.startswith("demo:")
    assert removed != candidate.reference


def test_the_base_stays(project: Any) -> None:
    whole = render_context(keep_all_files(project.spec), project.lock)
    assert whole.find_file("base.env") == render_context(project.spec, project.lock).find_file("base.env")
