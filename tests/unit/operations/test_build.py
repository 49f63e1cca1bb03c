"""The order of the stages of a build, and what happens when one of them fails."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from runtime_factory import make_runtime

from builder.airflow.model import Role
from builder.cli import main as cli
from builder.cli.output import ResultFile
from builder.core.errors import (
    BudgetExceededError,
    BuildRefusedError,
    CandidateRefusedError,
    InterruptedByUserError,
    NotReproducibleError,
    VanishedPackagesError,
)
from builder.core.progress import LineProgress
from builder.engine.buildx import BuildOptions
from builder.image.build.model import Candidate, PushedNames, Reproduction
from builder.image.verify.model import CheckResult, CheckStatus, VerifyReport
from builder.operations import build as build_flow
from builder.operations.build import BuildFlow
from builder.operations.project import load_project
from builder.state import OpenCandidate, read_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.core.runtime import Runtime
    from builder.engine.client import Engine


IMAGE = Path(__file__).parents[3] / "images/airflow"
CANDIDATE = Candidate("sha256:a", "demo:0123456789ab", "0123456789ab", cached=False, seconds=1.0, bytes=1)
ROLE = Role("init", ("version",), None)


@dataclass
class Stages:
    """What was called, in order; each stage may be told to fail the first time."""

    calls: list[str] = field(default_factory=list)
    fail: dict[str, BaseException] = field(default_factory=dict)
    status: CheckStatus = CheckStatus.PASSED
    spec: Any = None
    candidate: Candidate = CANDIDATE

    def enter(self, stage: str) -> None:
        self.calls.append(stage)
        if stage in self.fail:
            raise self.fail.pop(stage)

    def build(self, _job: object) -> Candidate:
        self.enter("build")
        return self.candidate

    def verify(self, *_args: object) -> VerifyReport:
        self.enter("verify")
        check = CheckResult("init", self.status, 1.0, "it did not", "look there", "one\ntwo")
        return VerifyReport(CANDIDATE.reference, CANDIDATE.image_id, "sqlite", (check,), 1.0)

    def promote(self, _candidate: object, references: tuple[str, ...], **_more: object) -> None:
        self.enter("promote")
        self.promoted = references

    def push(self, _job: object, candidate: Candidate, promoted: tuple[str, ...]) -> PushedNames:
        self.enter("push")
        self.pushed = promoted or (candidate.reference,)
        return PushedNames(self.pushed, "sha256:d")

    def reproduce(self, *args: object) -> Reproduction:
        self.enter("reproduce")
        self.base_layers = args[3]
        return Reproduction(3.0)

    def import_modules(self, *_args: object) -> int:
        self.enter("modules")
        return 7

    def refresh_debian_versions(self, found: Any, _runtime: object) -> Any:
        self.enter("refresh")
        return found

    def recover(self, *_args: object) -> None:
        self.enter("recover")

    def remove_failed(self, runtime: Runtime, *_args: object) -> tuple[OpenCandidate, ...]:
        return read_state(runtime.state_folder).candidates


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Stages:
    """Every stage replaced at the one place that puts them together."""
    found = Stages()
    spec = SimpleNamespace(
        image=SimpleNamespace(name="registry.example/demo", tags=("latest",)),
        verify=SimpleNamespace(database="sqlite", broker=None, dags=None),
        budget=SimpleNamespace(image_bytes=None),
        folder=Path(),
        protect=SimpleNamespace(images=()),
    )
    lock = SimpleNamespace(platform="linux/amd64", foundation=None)
    loaded = SimpleNamespace(spec=spec, lock=lock, roles=(ROLE,))

    @contextlib.contextmanager
    def nothing(*_args: object) -> Iterator[Any]:
        yield SimpleNamespace(info=SimpleNamespace(identity="e"))

    found.spec = spec
    monkeypatch.setattr(build_flow, "load_project", lambda _folder: loaded)
    monkeypatch.setattr(build_flow, "connect_engine", nothing)
    monkeypatch.setattr(build_flow, "lock_project", nothing)
    monkeypatch.setattr(build_flow.BuildFlow, "_make_job", lambda *_args: None)
    monkeypatch.setattr(build_flow, "build_candidate", found.build)
    monkeypatch.setattr(build_flow, "_verify_candidate", found.verify)
    monkeypatch.setattr(build_flow, "promote_candidate", found.promote)
    monkeypatch.setattr(build_flow, "push_candidate", found.push)
    monkeypatch.setattr(build_flow, "check_reproducible", found.reproduce)
    monkeypatch.setattr(build_flow, "check_modules", found.import_modules)
    monkeypatch.setattr(build_flow, "recover_promotion", found.recover)
    monkeypatch.setattr(build_flow, "remove_failed_candidates", found.remove_failed)
    monkeypatch.setattr(build_flow, "refresh_debian_versions", found.refresh_debian_versions)
    return found


@pytest.fixture
def err() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def runtime(tmp_path: Path, err: io.StringIO) -> Runtime:
    return make_runtime(tmp_path, {"HOME": str(tmp_path)}, progress=LineProgress(err), err=err)


def run(
    runtime: Runtime, *, verify: bool = False, refresh: bool = False, reproduce: bool = False, **options: Any
) -> Any:
    flow = BuildFlow(runtime, Path(), BuildOptions(**options), verify=verify, refresh_base=refresh, reproduce=reproduce)
    return flow.run()


def test_without_verify_nothing_is_proven_or_promoted(runtime: Runtime, stages: Stages) -> None:
    result = run(runtime)
    assert stages.calls == ["recover", "build"]
    assert (result.report, result.promoted) == (None, ())


def test_verify_comes_before_promotion(runtime: Runtime, stages: Stages) -> None:
    result = run(runtime, verify=True)
    assert stages.calls == ["recover", "build", "verify", "promote"]
    assert result.promoted == stages.promoted
    assert stages.promoted == ("registry.example/demo:latest", "registry.example/demo-init:latest")
    assert "sha256:a" in read_state(runtime.state_folder).verified


def test_who_wants_to_know_hears_of_the_image_before_its_names_move(runtime: Runtime, stages: Stages) -> None:
    told: list[str] = []

    def promoting(image: str) -> None:
        assert stages.calls[-1] == "verify"
        told.append(image)

    BuildFlow(runtime, Path(), BuildOptions(), verify=True, refresh_base=False, promoting=promoting).run()
    assert told == ["sha256:a"]
    assert stages.calls[-1] == "promote"


def test_what_was_proven_is_not_proven_again(runtime: Runtime, stages: Stages) -> None:
    run(runtime, verify=True)
    stages.calls.clear()
    assert run(runtime, verify=True).report is None
    assert stages.calls == ["recover", "build", "promote"]


def test_the_same_image_is_proven_again_when_its_dag_files_change(
    runtime: Runtime, stages: Stages, tmp_path: Path
) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags/etl.py").write_text("one")
    stages.spec.folder, stages.spec.verify.dags = tmp_path, "dags"
    for text, verified in (("one", True), ("one", False), ("two", True)):
        (tmp_path / "dags/etl.py").write_text(text)
        stages.calls.clear()
        run(runtime, verify=True)
        assert ("verify" in stages.calls) is verified


def test_a_failed_check_promotes_nothing_and_shows_its_log(runtime: Runtime, stages: Stages, err: io.StringIO) -> None:
    stages.status = CheckStatus.FAILED
    with pytest.raises(CandidateRefusedError, match="checks failed: init"):
        run(runtime, verify=True, push=True)
    assert stages.calls == ["recover", "build", "verify"]
    assert err.getvalue() == "check init failed: it did not\n    one\n    two\n  next: look there\n"
    assert read_state(runtime.state_folder).verified == {}


def test_an_image_over_its_budget_is_neither_verified_nor_promoted(runtime: Runtime, stages: Stages) -> None:
    stages.spec.budget.image_bytes, stages.candidate = "0.5kB", replace(CANDIDATE, bytes=501)
    with pytest.raises(BudgetExceededError, match="allows 500 bytes"):
        run(runtime, verify=True, push=True)
    assert stages.calls == ["recover", "build"]


def test_a_candidate_over_its_budget_is_a_warning(runtime: Runtime, stages: Stages, err: io.StringIO) -> None:
    stages.spec.budget.image_bytes, stages.candidate = "0.5kB", replace(CANDIDATE, bytes=501)
    run(runtime)
    assert "warning: the image has 501 bytes" in err.getvalue()


def test_a_push_takes_the_promoted_names_or_else_the_candidate(runtime: Runtime, stages: Stages) -> None:
    run(runtime, push=True)
    assert stages.pushed == (CANDIDATE.reference,)
    run(runtime, verify=True, push=True)
    assert stages.pushed == stages.promoted
    assert stages.calls[-2:] == ["promote", "push"]


def test_a_second_build_comes_before_anything_is_proven_promoted_or_pushed(runtime: Runtime, stages: Stages) -> None:
    result = run(runtime, verify=True, reproduce=True, push=True)
    assert stages.calls == ["recover", "build", "reproduce", "modules", "verify", "promote", "push"]
    assert result.reproduced == Reproduction(3.0)
    assert stages.base_layers == ()
    stages.calls.clear()
    stages.fail["reproduce"] = NotReproducibleError("sha256:a", "sha256:b", "layer 2, /etc/x: size", hint="look")
    with pytest.raises(NotReproducibleError, match="Nothing was promoted or pushed"):
        run(runtime, verify=True, reproduce=True, push=True)
    assert stages.calls == ["recover", "build", "reproduce"]


def test_another_platform_is_refused_before_the_engine_is_asked(runtime: Runtime, stages: Stages) -> None:
    with pytest.raises(BuildRefusedError):
        run(runtime, platform="linux/arm64")
    assert stages.calls == []


@pytest.mark.parametrize(
    ("words", "straight"),
    [
        ({"push": True}, True),
        ({"push": False}, False),
        ({"push": True, "verify": True}, False),
        ({"push": True, "reproduce": True}, False),
    ],
)
def test_only_what_needs_no_check_may_go_straight_to_its_registry(
    runtime: Runtime, words: dict[str, bool], straight: bool
) -> None:
    options = BuildOptions(push=words["push"])
    verify, reproduce = words.get("verify", False), words.get("reproduce", False)
    flow = BuildFlow(runtime, IMAGE, options, verify=verify, refresh_base=False, reproduce=reproduce)
    assert flow._make_job(load_project(IMAGE), cast("Engine", None)).push_directly is straight


@pytest.mark.parametrize("stage", ["build", "verify"])
@pytest.mark.parametrize("kind", [KeyboardInterrupt(), InterruptedByUserError("interrupted")])
def test_an_interruption_says_that_the_tags_stand(
    runtime: Runtime, stages: Stages, stage: str, kind: BaseException
) -> None:
    stages.fail[stage] = kind
    with pytest.raises(InterruptedByUserError, match="all tags stay as they were"):
        run(runtime, verify=True)
    assert "promote" not in stages.calls


def test_an_interrupted_push_does_not_claim_that_nothing_was_promoted(runtime: Runtime, stages: Stages) -> None:
    stages.fail["push"] = KeyboardInterrupt()
    with pytest.raises(InterruptedByUserError, match="had been promoted already"):
        run(runtime, verify=True, push=True)


def test_a_vanished_version_is_locked_anew_only_when_asked(runtime: Runtime, stages: Stages) -> None:
    stages.fail["build"] = VanishedPackagesError(("tzdata=1",))
    with pytest.raises(VanishedPackagesError, match="--refresh-base"):
        run(runtime)
    stages.calls.clear()
    stages.fail["build"] = VanishedPackagesError(("tzdata=1",))
    run(runtime, refresh=True)
    assert stages.calls == ["recover", "build", "refresh", "build"]


def test_a_version_that_vanishes_twice_is_an_error(
    runtime: Runtime, stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_job: object) -> Candidate:
        raise VanishedPackagesError(("tzdata=1",))

    monkeypatch.setattr(build_flow, "build_candidate", gone)
    with pytest.raises(VanishedPackagesError):
        run(runtime, refresh=True)
    assert stages.calls == ["recover", "refresh"]


@pytest.mark.parametrize("place", ["none/meta.json", ".", "-", "/dev/full"])
def test_a_metadata_file_that_cannot_be_written_is_told_before_the_build(
    runtime: Runtime, stages: Stages, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(("build", "--verify", "--metadata-file", place), lambda **_: runtime) == 2
    assert f"cannot write {place}: " in capsys.readouterr().err
    assert stages.calls == []


def test_a_metadata_file_that_fails_later_does_not_take_the_summary_with_it(
    runtime: Runtime,
    stages: Stages,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    real, save = ResultFile.save, []

    def fail(file: ResultFile, data: bytes) -> None:
        save.append(data)
        (tmp_path / "made").rmdir()
        real(file, data)

    (tmp_path / "made").mkdir()
    monkeypatch.setattr(ResultFile, "save", fail)
    assert cli.run(("build", "--verify", "--metadata-file", "made/meta.json"), lambda **_: runtime) == 3
    assert stages.calls[-1] == "promote"
    assert "made/meta.json was not written" in capsys.readouterr().err
    assert "registry.example/demo:latest" in runtime.out.getvalue()  # type: ignore[attr-defined]  # it is a StringIO


def test_the_metadata_file_is_written(runtime: Runtime, stages: Stages, tmp_path: Path) -> None:
    assert cli.run(("build", "--metadata-file", "meta.json"), lambda **_: runtime) == 0
    assert json.loads((tmp_path / "meta.json").read_bytes())
    assert "build" in stages.calls
