"""Applying a plan: what runs moves to one image, and whatever fails half way leaves everything as it was."""

from __future__ import annotations

import io
import json
import os
import signal
import stat
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fake_stack import SHARED, SHARERS, SPEC_NAMES, FakeStack, Stage

from builder.compose.model import FileEdit, ImageOrigin
from builder.core.errors import (
    CandidateRefusedError,
    ChangedFileError,
    ComposeError,
    EngineFailedError,
    ExitCode,
    InterruptedByUserError,
    OptbuildError,
    RolledBackError,
    StateError,
)
from builder.core.interrupts import check_interrupts, forget_interrupts, note_interrupt
from builder.core.process import Command, ProcessResult
from builder.core.progress import LineProgress
from builder.rollout.apply import GOES_ON, HALF_WAY, apply_plan
from builder.rollout.journal import Phase
from builder.rollout.journal_file import read_journal
from builder.rollout.restart import Downtime
from builder.rollout.undo import recover_run, roll_back_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.compose.model import SharedTarget
    from builder.engine.compose_containers import Container


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    made = Stage(tmp_path)
    made.start()
    return made


def verbs_of(stage: Stage) -> set[str]:
    """What Compose was asked to do."""
    return {word for call in stage.stack.calls for word in ("build", "config", "up") if f" {word} " in call}


def images_of(stage: Stage) -> dict[str, str]:
    return {one.service: one.image_id for one in stage.stack.boxes.values()}


def test_all_sharers_run_one_image_and_nothing_else_moves(stage: Stage) -> None:
    before = stage.snapshot()
    done = apply_plan(stage.context(), stage.work(), stage.hands())
    new = done.images[SHARED]
    assert {name: image for name, image in images_of(stage).items() if name != "db"} == dict.fromkeys(SHARERS, new)
    after = stage.snapshot()
    assert after["db"] == before["db"]
    assert after["names"] == {**before["names"], SHARED: new}
    assert stage.file.read_bytes() == stage.after
    assert stage.verified == [new]


def test_the_backup_holds_the_old_bytes(stage: Stage) -> None:
    stage.file.chmod(0o640)
    apply_plan(stage.context(), stage.work(), stage.hands())
    backup = stage.file.with_name("docker-compose.yml.bak")
    assert backup.read_bytes() == stage.before
    assert [stat.S_IMODE(path.stat().st_mode) for path in (backup, stage.file)] == [0o640, 0o640]


def test_a_foreign_backup_is_not_overwritten(stage: Stage) -> None:
    foreign = stage.file.with_name("docker-compose.yml.bak")
    foreign.write_bytes(b"mine")
    apply_plan(stage.context(), stage.work(), stage.hands())
    assert foreign.read_bytes() == b"mine"
    assert foreign.with_name(f"{foreign.name}.1").read_bytes() == stage.before


def test_the_journal_is_for_its_owner_only_and_says_what_was(stage: Stage) -> None:
    apply_plan(stage.context(), stage.work(), stage.hands())
    path = stage.context().committed(stage.files)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    journal = read_journal(path)
    assert journal is not None
    assert journal.phase is Phase.COMMITTED
    assert journal.edits[0].before == stage.before
    assert json.loads(path.read_bytes())["edits"][0]["after_sha256"] == journal.edits[0].after_sha256
    assert not stage.context().opened(stage.files).exists()
    assert not stage.context().overlay(stage.files).exists()


def test_nothing_that_is_kept_of_a_run_is_open_to_others(stage: Stage) -> None:
    """It holds whole compose files."""
    before = os.umask(0)
    try:
        apply_plan(stage.context(), stage.work(), stage.hands())
    finally:
        os.umask(before)
    state = stage.context().runtime.state_folder
    kept = (state, *state.rglob("*"))
    assert len(kept) > 2
    assert not [path for path in kept if path.stat().st_mode & 0o077]


def test_the_build_comes_before_anything_stops(stage: Stage) -> None:
    apply_plan(stage.context(), stage.work(), stage.hands())
    words = [" ".join(call.split()[5:]).replace(str(stage.file), "FILE") for call in stage.stack.calls]
    assert [word.split(" -- ")[-1] for word in words if "--hash" not in word] == [
        "init",
        "init",
        "init",
        "scheduler web",
        "scheduler web",
    ]
    assert " build " in words[0]


def test_only_the_affected_services_are_named_and_nothing_is_pulled(stage: Stage) -> None:
    apply_plan(stage.context(), stage.work(), stage.hands())
    ups = [call for call in stage.stack.calls if " up " in call]
    assert len(ups) == 4
    for call in ups:
        assert "--pull never --no-build" in call
        assert "db" not in call.rpartition(" -- ")[2]


def test_the_next_plain_up_finds_nothing_to_do(stage: Stage) -> None:
    apply_plan(stage.context(), stage.work(), stage.hands())
    boxes = {name: one.id for name, one in stage.stack.boxes.items()}
    stage.start()
    assert {name: one.id for name, one in stage.stack.boxes.items()} == boxes


@pytest.mark.parametrize("how", ["definition", "image", "missing"])
def test_a_database_that_compose_would_make_anew_is_not_touched(stage: Stage, how: str) -> None:
    box = stage.stack.boxes["demo-db-1"]
    if how == "definition":
        stage.stack.boxes["demo-db-1"] = replace(box, config_hash="of another day")
    elif how == "image":
        stage.stack.images.add("sha256:newer")
        stage.stack.names["postgres:13"] = "sha256:newer"
    else:
        del stage.stack.boxes["demo-db-1"]
    before = stage.snapshot()["db"]
    apply_plan(stage.context(), stage.work(), stage.hands())
    assert stage.snapshot()["db"] == before
    assert images_of(stage)["web"] == stage.stack.names[SHARED]
    assert any("--detach --no-deps" in call and call.endswith("-- scheduler web") for call in stage.stack.calls)


def test_a_database_that_is_stopped_stays_so(stage: Stage) -> None:
    stage.stack.boxes["demo-db-1"] = replace(stage.stack.boxes["demo-db-1"], status="exited")
    apply_plan(stage.context(), stage.work(), stage.hands())
    assert stage.stack.boxes["demo-db-1"].status == "exited"


def test_a_scale_of_three_stays_three(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.start(workers=3)
    apply_plan(stage.context(), stage.work(), stage.hands())
    assert any("--scale scheduler=3" in call for call in stage.stack.calls)
    assert sum(one.service == "scheduler" and one.running for one in stage.stack.boxes.values()) == 3


@pytest.mark.parametrize("service", ["scheduler", "db"])
def test_what_was_scaled_down_by_hand_stays_so(tmp_path: Path, service: str) -> None:
    """The file says three, of a service that restarts or of one that it depends on."""
    stage = Stage(tmp_path)
    stage.before, stage.after = (with_scale(text, service, 3) for text in (stage.before, stage.after))
    stage.file.write_bytes(stage.before)
    stage.start()
    before = stage.snapshot()
    apply_plan(stage.context(), stage.work(), stage.hands())
    assert sum(one.service == service and one.running for one in stage.stack.boxes.values()) == 1
    journal = read_journal(stage.context().committed(stage.files))
    assert journal is not None
    roll_back_run(stage.context(), journal)
    assert stage.snapshot() == before


def with_scale(text: bytes, service: str, scale: int) -> bytes:
    document = json.loads(text)
    document["services"][service]["scale"] = scale
    return json.dumps(document, indent=1).encode()


def test_a_stopped_service_stays_stopped(stage: Stage) -> None:
    box = stage.stack.boxes["demo-web-1"]
    stage.stack.boxes["demo-web-1"] = replace(box, status="exited", exit_code=137)
    apply_plan(stage.context(), stage.work(), stage.hands())
    assert stage.stack.boxes["demo-web-1"].status == "created"
    assert {call.rpartition(" -- ")[2] for call in stage.stack.calls if "--detach" in call} == {"init", "scheduler"}


def test_a_service_without_container_gets_none(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.start(services=("init", "web", "db"))
    apply_plan(stage.context(), stage.work(), stage.hands())
    assert {one.service for one in stage.stack.boxes.values()} == {"init", "web", "db"}


def test_where_nothing_runs_nothing_is_started(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    apply_plan(stage.context(), stage.work(), stage.hands())
    assert [" build " in call for call in stage.stack.calls] == [True]
    assert stage.stack.names[SHARED]


def test_file_only_touches_neither_image_nor_stack(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    before = stage.snapshot()
    apply_plan(stage.context(), replace(stage.work(), file_only=True), stage.hands())
    assert stage.file.read_bytes() == stage.after
    assert {**stage.snapshot(), "files": None} == {**before, "files": None}
    assert stage.stack.calls == []


def test_downtime_is_measured(stage: Stage) -> None:
    done = apply_plan(stage.context(), stage.work(), stage.hands())
    assert done.downtime["web"].stopped == 0.5
    assert done.downtime["web"].until_up is not None
    assert done.downtime["web"].until_up >= 0.25
    assert done.downtime["init"].stopped is None


def test_a_spec_makes_the_image(stage: Stage) -> None:
    done = apply_plan(stage.context(), stage.work(source=ImageOrigin.SPEC), stage.hands())
    assert done.images == {SHARED: "sha256:spec"}
    assert verbs_of(stage) == {"config", "up"}


@pytest.mark.parametrize("name", ["docker.io/library/demo-airflow", "library/demo-airflow:latest", SHARED])
def test_an_image_that_all_use_already_is_not_built_again(stage: Stage, name: str) -> None:
    """Also where the file writes its name in another way."""
    stage.file.write_bytes(stage.after.replace(SHARED.encode(), name.encode()))
    stage.stack.images.add("sha256:shared")
    stage.stack.names[SHARED] = "sha256:shared"
    assert apply_plan(stage.context(), stage.work(), stage.hands()).images == {SHARED: "sha256:shared"}
    assert not stage.verified


def test_the_builder_service_builds(stage: Stage) -> None:
    apply_plan(stage.context(), stage.work(source=ImageOrigin.BUILDER), stage.hands())
    assert stage.stack.calls[0].endswith("build -- init")


def failing(
    stage: Stage, expected: type[BaseException], *, source: ImageOrigin = ImageOrigin.IMAGE_ONLY
) -> BaseException:
    """Apply, which must fail so, and leave everything as it was."""
    before = stage.snapshot()
    with pytest.raises(expected) as caught:
        apply_plan(stage.context(), stage.work(source=source), stage.hands())
    assert stage.snapshot() == before
    assert not stage.context().opened(stage.files).exists()
    assert not stage.context().committed(stage.files).exists()
    return caught.value


@pytest.mark.parametrize("service", SHARERS)
@pytest.mark.parametrize("source", [ImageOrigin.IMAGE_ONLY, ImageOrigin.SPEC, ImageOrigin.BUILDER])
def test_a_service_that_does_not_come_up_rolls_everything_back(stage: Stage, service: str, source: ImageOrigin) -> None:
    stage.stack.broken[service] = SHARED
    error = failing(stage, RolledBackError, source=source)
    assert isinstance(error, RolledBackError)
    assert error.exit_code == ExitCode.CHECK_FAILED
    assert f"{service} did not come up: it ended with 1" in error.message
    assert "words of c" in error.message
    assert "as they were" in error.message


def test_a_health_check_that_never_turns_healthy_times_out(stage: Stage) -> None:
    def sicken(words: str) -> None:
        if "--no-start" in words and words.endswith("-- scheduler web") and SHARED.encode() in stage.file.read_bytes():
            stage.stack.on_run = lambda _words: None
            real = stage.stack._started

            def started(box: Any, service: Any) -> Any:
                made = real(box, service)
                return replace(made, health="unhealthy") if made.service == "web" and service.get("image") else made

            stage.stack._started = started  # type: ignore[method-assign] # the stack of this case alone

    stage.stack.on_run = sicken
    error = failing(stage, RolledBackError)
    assert "web did not come up: it was not up after 30 s: its health is unhealthy" in str(error)


def test_a_service_that_was_unhealthy_before_is_not_waited_for(stage: Stage) -> None:
    stage.stack.boxes["demo-web-1"] = replace(stage.stack.boxes["demo-web-1"], health="unhealthy")
    assert apply_plan(stage.context(), stage.work(), stage.hands()).images


def test_a_failed_verification_changes_nothing(stage: Stage) -> None:
    stage.refusing = CandidateRefusedError("checks failed: webserver")
    error = failing(stage, RolledBackError)
    assert "checks failed: webserver" in str(error)
    assert len(stage.stack.calls) == 1


def test_a_failed_build_changes_nothing(stage: Stage) -> None:
    stage.stack.failing_build = True
    error = failing(stage, EngineFailedError)
    assert "`docker compose build init` ended with 1" in str(error)


@pytest.mark.parametrize("where", ["build", "-- init", "-- scheduler web"])
def test_an_interrupt_rolls_back(stage: Stage, where: str) -> None:
    def interrupt(words: str) -> None:
        if where in words:
            stage.stack.on_run = lambda _words: None
            raise KeyboardInterrupt

    stage.stack.on_run = interrupt
    error = failing(stage, InterruptedByUserError)
    assert isinstance(error, InterruptedByUserError)
    assert error.exit_code == ExitCode.INTERRUPTED


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("stop", [KeyboardInterrupt(), InterruptedByUserError("promoted already"), StateError("full")])
def test_names_that_a_promotion_moved_are_put_back(stage: Stage, stop: BaseException, there: bool) -> None:
    """It fails, or is interrupted, before optimize gets its image."""
    if there:
        stage.stack.images.add("sha256:spec-old")
        stage.stack.names |= dict.fromkeys(SPEC_NAMES, "sha256:spec-old")
    hands, before = stage.hands(), stage.snapshot()

    def make(target: SharedTarget, promoting: Callable[[str], None]) -> str:
        hands.make_from_spec(target, promoting)
        raise stop

    said = io.StringIO()
    context = stage.context(progress=LineProgress(said))
    with pytest.raises(OptbuildError) as caught:
        apply_plan(context, stage.work(source=ImageOrigin.SPEC), replace(hands, make_from_spec=make))
    assert stage.snapshot() == before
    interrupted = isinstance(stop, KeyboardInterrupt | InterruptedByUserError)
    assert said.getvalue() == (f"{GOES_ON}\n" if interrupted else "")
    assert (f"put back the names {', '.join(SPEC_NAMES)}" in str(caught.value)) is there


@pytest.mark.parametrize("stop", [EngineFailedError("server error 500"), KeyboardInterrupt()])
def test_what_follows_the_commit_changes_nothing_about_it(stage: Stage, stop: BaseException) -> None:
    """All is done then: the person hears so, and the next command takes the passing name away."""

    def untag(_reference: str) -> None:
        raise stop

    said = io.StringIO()
    context = stage.context(progress=LineProgress(said))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage.stack, "untag", untag)
        if isinstance(stop, KeyboardInterrupt):
            with pytest.raises(InterruptedByUserError) as caught:
                apply_plan(context, stage.work(), stage.hands())
            said.write(str(caught.value))
            done = f"wrote {stage.file}; {SHARED} is the shared image; restarted {', '.join(SHARERS)}"
            assert f"interrupted after everything was done: {done}" in said.getvalue()
        else:
            assert apply_plan(context, stage.work(), stage.hands()).images
            assert "server error 500" in said.getvalue()
    assert "the next `optbuild optimize` or `rollback`" in said.getvalue()
    assert stage.file.read_bytes() == stage.after
    assert images_of(stage)["web"] == stage.stack.names[SHARED]
    recovery = recover_run(stage.context(), stage.files)
    assert recovery is not None
    assert not recovery.undone
    assert not any("optbuild-" in name for name in stage.stack.names)


@pytest.mark.parametrize("what", ["events", "containers"])
def test_a_downtime_that_cannot_be_had_ends_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """The events are the last question of a step that is up, and the containers the one behind it."""
    asked, containers = threading.Event(), stage.stack.list_containers

    def deaths(*_args: object) -> dict[str, float]:
        if what == "events":
            raise EngineFailedError("reading the events: read timed out")
        asked.set()
        return {}

    def failing_once(project: str) -> tuple[Container, ...]:
        if asked.is_set():
            asked.clear()
            raise EngineFailedError("listing the containers: read timed out")
        return containers(project)

    monkeypatch.setattr(stage.stack, "find_exit_times", deaths)
    monkeypatch.setattr(stage.stack, "list_containers", failing_once)
    done = apply_plan(stage.context(), stage.work(), stage.hands())
    assert done.downtime == dict.fromkeys(SHARERS, Downtime())
    assert not asked.is_set()


def during_the_build(stage: Stage, change: Callable[[], None]) -> None:
    """A build may take an hour, in which a person goes on using the stack."""

    def on_run(words: str) -> None:
        if " build " in words:
            change()

    stage.stack.on_run = on_run


@pytest.mark.parametrize("how", ["build", "verify"])
@pytest.mark.parametrize("what", ["stop", "down", "scale"])
def test_what_a_person_did_to_the_stack_during_a_build_that_fails_stays(stage: Stage, what: str, how: str) -> None:
    boxes = stage.stack.boxes

    def change() -> None:
        if what == "stop":
            boxes["demo-scheduler-1"] = replace(boxes["demo-scheduler-1"], status="exited", exit_code=0)
        elif what == "scale":
            boxes["demo-scheduler-2"] = replace(boxes["demo-scheduler-1"], id="c99", number=2)
        else:
            boxes.clear()
        left.update(boxes)

    left: dict[str, Container] = {}
    during_the_build(stage, change)
    stage.stack.failing_build = how == "build"
    stage.refusing = CandidateRefusedError("checks failed: dag")
    with pytest.raises(OptbuildError, match="as they were"):
        apply_plan(stage.context(), stage.work(), stage.hands())
    assert boxes == left
    assert verbs_of(stage) == {"build"}


def test_a_second_interrupt_stops_putting_back_and_the_next_command_goes_on(stage: Stage) -> None:
    before = stage.snapshot()
    said = io.StringIO()
    asked: list[str] = []

    def interrupt(words: str) -> None:
        if words.endswith("-- scheduler web") or asked:
            asked.append(words)
            raise KeyboardInterrupt

    stage.stack.on_run = interrupt
    with pytest.raises(InterruptedByUserError) as caught:
        apply_plan(stage.context(progress=LineProgress(said)), stage.work(), stage.hands())
    assert caught.value.message == HALF_WAY
    assert "`optbuild rollback`" in str(caught.value.hint)
    assert f"{GOES_ON}\n" in said.getvalue()
    stage.stack.on_run = lambda _words: None
    recover_run(stage.context(), stage.files)
    assert stage.snapshot() == before


@pytest.mark.parametrize("second", [False, True])
def test_what_is_put_back_may_start_processes_until_a_second_signal(stage: Stage, second: bool) -> None:
    """As the real runner does: it refuses every command once a signal came."""

    def interrupt(words: str) -> None:
        check_interrupts()
        if words.endswith("-- scheduler web"):
            note_interrupt(signal.SIGTERM)
            stage.stack.on_run = go_on
            raise KeyboardInterrupt

    def go_on(_words: str) -> None:
        if second:
            note_interrupt(signal.SIGTERM)
        check_interrupts()

    stage.stack.on_run = interrupt
    try:
        with pytest.raises(InterruptedByUserError) as caught:
            apply_plan(stage.context(), stage.work(), stage.hands())
        assert (caught.value.message == HALF_WAY) is second
    finally:
        forget_interrupts()


def test_an_interrupted_compose_leaves_nothing_half_made(stage: Stage) -> None:
    """Its old container ends a while later, and the one that was to replace it is still there."""

    def interrupt(words: str) -> None:
        if words.endswith("-- scheduler web"):
            stage.stack.on_run = lambda _words: None
            box = stage.stack.boxes["demo-web-1"]
            stage.stack.boxes["012345678901_demo-web-1"] = replace(box, id="half", status="created")
            stage.stack.told[box.id] = stage.stack.time + 7
            raise KeyboardInterrupt

    stage.stack.on_run = interrupt
    failing(stage, InterruptedByUserError)
    assert stage.stack.time > max(stage.stack.told.values())


def test_a_file_that_was_changed_since_the_plan_is_refused(stage: Stage) -> None:
    work = stage.work()
    stage.file.write_bytes(stage.before + b"\n")
    with pytest.raises(ChangedFileError):
        apply_plan(stage.context(), work, stage.hands())
    assert stage.stack.calls == []
    assert stage.file.read_bytes() == stage.before + b"\n"


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_is_read_only_is_refused_before_anything_is_built(stage: Stage, what: str) -> None:
    path = stage.file if what == "file" else stage.file.parent
    path.chmod(0o555)
    try:
        with pytest.raises(ComposeError, match="read-only"):
            apply_plan(stage.context(), stage.work(), stage.hands())
    finally:
        path.chmod(0o755)
    assert stage.stack.calls == []


def test_a_symbolic_link_stays_one(stage: Stage, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere.yml"
    stage.file.rename(real)
    stage.file.symlink_to(real)
    apply_plan(stage.context(), stage.work(), stage.hands())
    assert stage.file.is_symlink()
    assert real.read_bytes() == stage.after
    assert real.with_name("elsewhere.yml.bak").read_bytes() == stage.before


def test_several_files_are_all_written_or_all_put_back(stage: Stage) -> None:
    other = stage.file.with_name("other.yml")
    other.write_bytes(b"old")
    work = replace(stage.work(), edits=(*stage.work().edits, FileEdit(other, b"old", b"new")))
    stage.stack.broken["web"] = SHARED
    with pytest.raises(RolledBackError):
        apply_plan(stage.context(), work, stage.hands())
    assert (stage.file.read_bytes(), other.read_bytes()) == (stage.before, b"old")
    stage.stack.broken.clear()
    apply_plan(stage.context(), replace(work, run="0000bbbb"), stage.hands())
    assert (stage.file.read_bytes(), other.read_bytes()) == (stage.after, b"new")


def test_an_image_that_existed_before_is_never_deleted_by_a_rollback(stage: Stage) -> None:
    stage.stack.images.add("sha256:one-of-.")
    stage.stack.broken["web"] = SHARED
    with pytest.raises(RolledBackError):
        apply_plan(stage.context(), stage.work(), stage.hands())
    assert "sha256:one-of-." in stage.stack.images


class Telling:
    """Compose of ``stack``, but ``word`` fails and says secrets."""

    def __init__(self, stack: FakeStack, word: str) -> None:
        self.stack, self.word = stack, word

    def run(
        self,
        command: Command,
        *,
        on_out: Callable[[str], None] | None = None,
        on_err: Callable[[str], None] | None = None,
    ) -> ProcessResult:
        if self.word not in command.argv:
            return self.stack.run(command, on_out=on_out, on_err=on_err)
        said = "refused hunter22, pw12 and token33 at postgresql://me:else44@db/x"
        if on_err is not None:
            on_err(said)
        return ProcessResult(command, 1, "", said)


@pytest.mark.parametrize("word", ["build", "up"])
def test_words_of_compose_are_told_without_the_secrets_of_the_project(stage: Stage, word: str) -> None:
    env = {"DB_PWD": "hunter22", "DATABASE_URL": "postgresql://me:pw12@db/x", "HOME": "/home/me", "A_TOKEN": "token33"}
    context = stage.context(env, runner=Telling(stage.stack, word))
    with pytest.raises(OptbuildError) as caught:
        apply_plan(context, stage.work(), stage.hands())
    assert "refused ***, *** and *** at postgresql://me:***@db/x" in str(caught.value)


def test_secret_arguments_of_a_build_are_not_told(stage: Stage) -> None:
    work = stage.work()
    services = {
        name: replace(one, build=one.build and replace(one.build, args=(("A_TOKEN", "token33"), ("B_PWD", None))))
        for name, one in work.project.services.items()
    }
    work = replace(work, project=replace(work.project, services=services))
    context = stage.context(runner=Telling(stage.stack, "build"))
    with pytest.raises(OptbuildError) as caught:
        apply_plan(context, work, stage.hands())
    assert "token33" not in str(caught.value)
