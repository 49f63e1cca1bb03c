"""All names move, or none does: against an engine of names and IDs in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from builder.core.errors import CandidateRefusedError, ExitCode, PromotionError
from builder.core.naming import list_promoted_references
from builder.engine.client import EngineInfo, ImageInfo
from builder.image.build.model import Candidate
from builder.image.build.promote import hash_proof, is_verified, promote_candidate, record_verified, recover_promotion
from builder.image.verify import checks
from builder.image.verify.model import CheckResult, CheckStatus, VerifyReport
from builder.state import PromotionJournal, TagMove, read_state, update_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.engine.client import Engine

REFERENCES = list_promoted_references("demo", ("latest", "v1"), ("web",))
OLD, NEW, STRANGE = "sha256:old", "sha256:new", "sha256:strange"


def engine_info(identity: str) -> EngineInfo:
    return EngineInfo(identity, "26", "/", "linux/amd64", containerd_store=False)


@dataclass
class FakeEngine:
    """Names → IDs. ``before_tag`` is called with each name that is about to move."""

    names: dict[str, str] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=lambda: {OLD: "demo", NEW: "demo", STRANGE: "someone"})
    before_tag: Callable[[str], None] = lambda _reference: None
    info: EngineInfo = field(default_factory=lambda: engine_info("engine"))

    def find_image_id(self, reference: str) -> str | None:
        if reference.startswith("sha256:"):
            return reference if reference in self.images else None
        return self.names.get(reference)

    def inspect_image(self, reference: str) -> ImageInfo | None:
        found = self.find_image_id(reference)
        if found is None:
            return None
        labels = {"optbuild.project": self.images[found], "optbuild.content": f"tag of {found}"}
        return ImageInfo(found, (), labels, "linux/amd64", 1)

    def tag(self, image: str, reference: str) -> None:
        self.before_tag(reference)
        self.names[reference] = image

    def untag(self, reference: str) -> None:
        del self.names[reference]


def candidate(image_id: str = NEW) -> Candidate:
    return Candidate(image_id, "demo:0123456789ab", "0123456789ab", cached=False, seconds=1, bytes=1)


def report(*statuses: CheckStatus, image_id: str = NEW) -> VerifyReport:
    checks = tuple(CheckResult(f"check {number}", status, 0.1) for number, status in enumerate(statuses))
    return VerifyReport("demo:0123456789ab", image_id, "sqlite", checks, 0.1)


def verified(folder: Path, image_id: str = NEW) -> Candidate:
    done = candidate(image_id)
    record_verified(folder, done, report(CheckStatus.PASSED, image_id=image_id), project="demo", proof="p")
    return done


def do(engine: FakeEngine, folder: Path, image_id: str = NEW, said: list[str] | None = None) -> Any:
    done = verified(folder, image_id)
    say = (said if said is not None else []).append
    return promote_candidate(done, REFERENCES, project="demo", engine=cast("Engine", engine), folder=folder, say=say)


def fix(engine: FakeEngine, folder: Path) -> tuple[bool, list[str]]:
    said: list[str] = []
    return recover_promotion(cast("Engine", engine), folder, "demo", said.append), said


def test_every_name_gets_the_one_id_and_the_state_knows(tmp_path: Path) -> None:
    engine = FakeEngine()
    done = do(engine, tmp_path)
    assert engine.names == dict.fromkeys(REFERENCES, NEW)
    assert done.moved == REFERENCES
    state = read_state(tmp_path)
    assert state.find_project("engine", "demo").references == dict.fromkeys(REFERENCES, NEW)
    assert state.journals == ()


@pytest.mark.parametrize("statuses", [(), (CheckStatus.FAILED,), (CheckStatus.PASSED, CheckStatus.NOT_RUN)])
def test_a_report_that_did_not_pass_is_not_recorded(tmp_path: Path, statuses: tuple[CheckStatus, ...]) -> None:
    with pytest.raises(CandidateRefusedError, match=r"demo:0123456789ab.*sha256:new") as caught:
        record_verified(tmp_path, candidate(), report(*statuses), project="demo", proof="p")
    assert caught.value.exit_code is ExitCode.CHECK_FAILED
    assert read_state(tmp_path).verified == {}


def test_a_report_of_another_image_proves_nothing(tmp_path: Path) -> None:
    with pytest.raises(PromotionError, match="sha256:old"):
        record_verified(tmp_path, candidate(), report(CheckStatus.PASSED, image_id=OLD), project="demo", proof="p")


def test_what_was_not_verified_is_not_promoted(tmp_path: Path) -> None:
    engine = FakeEngine(dict.fromkeys(REFERENCES, OLD))
    with pytest.raises(PromotionError, match="not known as verified"):
        promote_candidate(
            candidate(),
            REFERENCES,
            project="demo",
            engine=cast("Engine", engine),
            folder=tmp_path,
            say=lambda _text: None,
        )
    assert engine.names == dict.fromkeys(REFERENCES, OLD)


def test_the_image_before_is_superseded_and_kept(tmp_path: Path) -> None:
    engine = FakeEngine()
    do(engine, tmp_path, OLD)
    do(engine, tmp_path, NEW)
    project = read_state(tmp_path).find_project("engine", "demo")
    assert [former.image_id for former in project.superseded] == [OLD]
    assert project.superseded[0].content_tag == "tag of sha256:old"
    assert project.kept == (OLD,)


def test_an_image_that_is_promoted_again_is_superseded_no_more(tmp_path: Path) -> None:
    engine = FakeEngine()
    for image_id in (OLD, NEW, OLD):
        do(engine, tmp_path, image_id)
    project = read_state(tmp_path).find_project("engine", "demo")
    assert [former.image_id for former in project.superseded] == [NEW]


def test_a_stranger_s_image_is_never_superseded(tmp_path: Path) -> None:
    engine = FakeEngine({"demo:latest": STRANGE})
    do(engine, tmp_path)
    assert read_state(tmp_path).find_project("engine", "demo").superseded == ()


def test_an_image_that_still_holds_a_promoted_name_is_not_superseded(tmp_path: Path) -> None:
    engine = FakeEngine()
    do(engine, tmp_path, OLD)
    promote_candidate(
        verified(tmp_path),
        REFERENCES[:1],
        project="demo",
        engine=cast("Engine", engine),
        folder=tmp_path,
        say=lambda _text: None,
    )
    assert read_state(tmp_path).find_project("engine", "demo").superseded == ()


@pytest.mark.parametrize("failing", range(len(REFERENCES)))
@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt])
def test_a_failure_at_any_tag_puts_everything_back(tmp_path: Path, failing: int, kind: type[BaseException]) -> None:
    before = {"demo:latest": OLD, "demo-web:v1": STRANGE}
    engine = FakeEngine(dict(before))

    def fail(reference: str) -> None:
        if reference == REFERENCES[failing] and engine.names.get(reference) == before.get(reference):
            engine.before_tag = lambda _reference: None
            raise kind

    engine.before_tag = fail
    with pytest.raises(kind):
        do(engine, tmp_path)
    assert engine.names == before
    assert read_state(tmp_path).journals == ()


def test_a_name_that_somebody_else_moves_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    engine = FakeEngine(dict.fromkeys(REFERENCES, OLD))

    def interfere(_reference: str) -> None:
        engine.names[REFERENCES[-1]] = STRANGE

    engine.before_tag = interfere
    with pytest.raises(PromotionError, match="somebody else"):
        do(engine, tmp_path)
    assert engine.names == {**dict.fromkeys(REFERENCES, OLD), REFERENCES[-1]: STRANGE}


def test_the_journal_is_on_disk_before_the_first_name_moves(tmp_path: Path) -> None:
    engine = FakeEngine({"demo:latest": OLD})
    seen: list[PromotionJournal | None] = []
    engine.before_tag = lambda _reference: seen.append(read_state(tmp_path).find_journal("engine", "demo"))
    do(engine, tmp_path)
    assert seen[0] is not None
    assert seen[0].moves == tuple(TagMove(name, OLD if name == "demo:latest" else None) for name in REFERENCES)


def killed_after(folder: Path, count: int, image_id: str = NEW) -> FakeEngine:
    """Names and state as a process leaves them that is killed after ``count`` tags."""
    verified(folder, image_id)
    moves = tuple(TagMove(reference, OLD if reference == "demo:latest" else None) for reference in REFERENCES)
    journal = PromotionJournal("engine", "demo", image_id, "0123456789ab", moves, 1.0)
    update_state(folder, lambda state: state.with_journal(journal))
    engine = FakeEngine({"demo:latest": OLD})
    engine.names.update(dict.fromkeys(REFERENCES[:count], image_id))
    return engine


@pytest.mark.parametrize("count", range(len(REFERENCES) + 1))
def test_a_killed_promotion_is_finished(tmp_path: Path, count: int) -> None:
    engine = killed_after(tmp_path, count)
    found, said = fix(engine, tmp_path)
    assert found
    assert "finished" in said[0]
    assert engine.names == dict.fromkeys(REFERENCES, NEW)
    project = read_state(tmp_path).find_project("engine", "demo")
    assert [former.image_id for former in project.superseded] == [OLD]
    assert fix(engine, tmp_path) == (False, [])


def test_a_killed_promotion_whose_image_is_gone_is_undone(tmp_path: Path) -> None:
    engine = killed_after(tmp_path, 2)
    del engine.images[NEW]
    engine.names = {}
    found, said = fix(engine, tmp_path)
    assert found
    assert "undone" in said[0]
    assert engine.names == {"demo:latest": OLD}
    assert read_state(tmp_path).journals == ()


def test_a_name_that_was_moved_after_the_kill_is_left_alone(tmp_path: Path) -> None:
    engine = killed_after(tmp_path, 1)
    engine.names["demo-web:v1"] = STRANGE
    _, said = fix(engine, tmp_path)
    assert "demo-web:v1 was moved by somebody else" in said[1]
    assert engine.names == {**dict.fromkeys(REFERENCES, NEW), "demo-web:v1": STRANGE}
    assert "demo-web:v1" not in read_state(tmp_path).find_project("engine", "demo").references


def test_a_journal_of_another_engine_is_not_touched(tmp_path: Path) -> None:
    engine = killed_after(tmp_path, 1)
    engine.info = engine_info("another")
    assert fix(engine, tmp_path) == (False, [])
    assert len(read_state(tmp_path).journals) == 1


def test_what_was_proven_counts_for_exactly_that(tmp_path: Path) -> None:
    verified(tmp_path)
    state = read_state(tmp_path)
    assert is_verified(state, NEW, "p")
    assert not is_verified(state, NEW, "other roles")
    assert not is_verified(state, OLD, "p")
    assert hash_proof((), "sqlite") != hash_proof((), "postgres:13")


def test_other_dag_files_and_a_check_that_is_new_are_proven_again(monkeypatch: pytest.MonkeyPatch) -> None:
    before = hash_proof((), "sqlite", "one")
    assert before == hash_proof((), "sqlite", "one") != hash_proof((), "sqlite", "two")
    monkeypatch.setattr(checks, "CHECKS", checks.CHECKS[1:])
    assert before != hash_proof((), "sqlite", "one")
