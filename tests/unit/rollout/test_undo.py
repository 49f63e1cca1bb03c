"""Undoing an optimize: byte for byte, also after a kill at any of its steps, also when the undoing itself is killed."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from fake_stack import SHARED, SHARERS, SPEC_NAMES, FakeStack, Fuse, KilledError, Stage, arm

from builder.compose.model import ImageOrigin
from builder.core.errors import CheckFailedError, EditedSinceError, ExitCode, StackError
from builder.rollout.apply import apply_plan
from builder.rollout.journal_file import read_journal
from builder.rollout.undo import recover_run, roll_back_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.rollout.context import RolloutContext
    from builder.rollout.journal import Journal
    from builder.rollout.undo import Recovery

IS_LONG = bool(os.environ.get("OPTBUILD_SOAK"))
EVERY = 1 if IS_LONG else 3
"""One of so many steps is killed at, beside the first of each kind; in the long runs each one."""


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    made = Stage(tmp_path)
    made.start()
    return made


def committed(stage: Stage) -> Journal:
    journal = read_journal(stage.context().committed(stage.files))
    assert journal is not None
    return journal


def optimized(stage: Stage, run: str = "0000aaaa") -> Journal:
    apply_plan(stage.context(), stage.work(run), stage.hands())
    return committed(stage)


def recover(stage: Stage, context: RolloutContext | None = None) -> Recovery | None:
    """With no process but this one: those of the machine are none of the stage's, and all were looked at each time."""
    return recover_run(context or stage.context(), stage.files, stage.folder / "proc")


def test_a_rollback_restores_files_names_and_images(stage: Stage) -> None:
    before = stage.snapshot()
    journal = optimized(stage)
    undone = roll_back_run(stage.context(), journal)
    assert stage.snapshot() == before
    assert undone.files == (stage.file,)
    assert sorted(undone.downtime) == sorted(SHARERS)
    assert read_journal(stage.context().committed(stage.files)) is None


def test_optimize_rollback_optimize_gives_the_same_bytes(stage: Stage) -> None:
    optimized(stage)
    first = stage.file.read_bytes()
    roll_back_run(stage.context(), committed(stage))
    optimized(stage, "0000bbbb")
    assert stage.file.read_bytes() == first


def test_an_edited_file_is_not_overwritten(stage: Stage) -> None:
    journal = optimized(stage)
    edited = stage.after + b"\n# mine\n"
    stage.file.write_bytes(edited)
    before = stage.snapshot()
    with pytest.raises(EditedSinceError) as caught:
        roll_back_run(stage.context(), journal)
    assert caught.value.exit_code == ExitCode.CHECK_FAILED
    assert str(stage.file) in str(caught.value)
    assert stage.snapshot() == before


def test_a_lost_backup_is_not_needed(stage: Stage) -> None:
    journal = optimized(stage)
    stage.file.with_name("docker-compose.yml.bak").unlink()
    roll_back_run(stage.context(), journal)
    assert stage.file.read_bytes() == stage.before


def test_a_backup_that_somebody_changed_stays(stage: Stage) -> None:
    journal = optimized(stage)
    backup = stage.file.with_name("docker-compose.yml.bak")
    backup.write_bytes(b"mine now")
    roll_back_run(stage.context(), journal)
    assert backup.read_bytes() == b"mine now"


def test_removed_images_are_built_again(stage: Stage) -> None:
    journal = optimized(stage)
    for name in SHARERS:
        stage.stack.images.remove(f"sha256:old-{name}")
        del stage.stack.names[f"demo-{name}:latest"]
    roll_back_run(stage.context(), journal)
    assert stage.stack.boxes["demo-web-1"].image_id == "sha256:again-web"
    assert stage.file.read_bytes() == stage.before


def test_what_was_scaled_or_stopped_since_stays_so(stage: Stage) -> None:
    journal = optimized(stage)
    stage.start(workers=2, services=("scheduler",))
    stage.stack.boxes["demo-web-1"] = replace(stage.stack.boxes["demo-web-1"], status="exited", exit_code=137)
    roll_back_run(stage.context(), journal)
    running = [(one.service, one.image_id) for one in stage.stack.boxes.values() if one.running]
    assert running.count(("scheduler", "sha256:old-scheduler")) == 2
    assert stage.stack.boxes["demo-web-1"].status == "created"


def test_another_engine_is_refused(stage: Stage) -> None:
    journal = optimized(stage)
    stage.stack.other_engine = True
    with pytest.raises(CheckFailedError, match="another engine") as caught:
        roll_back_run(stage.context(), journal)
    assert f"move {stage.context().committed(journal.files)} away" in str(caught.value.hint)
    assert stage.file.read_bytes() == stage.after


def test_a_name_that_somebody_moved_is_left_alone(stage: Stage) -> None:
    journal = optimized(stage)
    stage.stack.images.add("sha256:strange")
    stage.stack.names[SHARED] = "sha256:strange"
    roll_back_run(stage.context(), journal)
    assert stage.stack.names[SHARED] == "sha256:strange"


def test_an_old_stack_that_does_not_come_up_can_be_tried_again(stage: Stage) -> None:
    journal = optimized(stage)
    stage.stack.broken["web"] = "demo-web:latest"
    with pytest.raises(StackError, match="did not come up again"):
        roll_back_run(stage.context(), journal)
    assert stage.file.read_bytes() == stage.before
    stage.stack.broken.clear()
    stage.stack.boxes["demo-web-1"] = replace(stage.stack.boxes["demo-web-1"], status="exited")
    recovery = recover(stage)
    assert recovery is not None
    assert recovery.undone
    assert "a rollback was killed half way" in recovery.words
    assert "restarted" in recovery.words
    assert stage.stack.boxes["demo-web-1"].image_id == "sha256:old-web"
    assert stage.stack.boxes["demo-web-1"].running


def test_a_second_run_that_fails_leaves_the_way_back_from_the_first(stage: Stage) -> None:
    first = optimized(stage)
    stage.stack.dockerfile = "two"
    stage.stack.broken["web"] = "sha256:two-of-."
    work = replace(stage.work("0000bbbb"), rebuild=True, recipes=first.recipes)
    with pytest.raises(CheckFailedError):
        apply_plan(stage.context(), work, stage.hands())
    assert committed(stage) == first
    stage.stack.broken.clear()
    roll_back_run(stage.context(), first)
    assert stage.file.read_bytes() == stage.before


def rebuilt(stage: Stage, run: str, dockerfile: str) -> Journal:
    stage.stack.dockerfile = dockerfile
    work = replace(stage.work(run), rebuild=True, recipes=committed(stage).recipes)
    apply_plan(stage.context(), work, stage.hands())
    return committed(stage)


@pytest.mark.parametrize("rebuilds", [1, 2, 3])
def test_a_rebuild_leaves_the_way_back_from_the_rewritten_file(stage: Stage, rebuilds: int) -> None:
    """The last rebuild first, then the file: but not each rebuild of a year."""
    before = stage.snapshot()
    optimized(stage)
    for number in range(rebuilds):
        rebuilt(stage, f"{number:08x}", f"rebuilt {number}")
    roll_back_run(stage.context(), committed(stage))
    assert stage.file.read_bytes() == stage.after
    image = "one" if rebuilds == 1 else f"rebuilt {rebuilds - 2}"
    assert stage.stack.names[SHARED].startswith(f"sha256:{image}-of-")
    assert committed(stage).run == "0000aaaa"
    roll_back_run(stage.context(), committed(stage))
    after = stage.snapshot()
    assert {**after, "images": before["images"]} == before
    assert read_journal(stage.context().committed(stage.files)) is None


@pytest.mark.parametrize("source", [ImageOrigin.IMAGE_ONLY, ImageOrigin.BUILDER])
def test_a_rebuild_is_not_undone_without_the_image_of_before(stage: Stage, source: ImageOrigin) -> None:
    """Nothing says how that one was built: the files name it, and the Dockerfile is another by now."""
    apply_plan(stage.context(), stage.work(source=source), stage.hands())
    first = stage.stack.names[SHARED]
    journal = rebuilt(stage, "0000bbbb", "two")
    stage.stack.images.remove(first)
    before = stage.snapshot()
    with pytest.raises(CheckFailedError, match=f"{SHARED} cannot become what it was before: {first} was removed"):
        roll_back_run(stage.context(), journal)
    assert stage.snapshot() == before
    assert committed(stage) == journal
    rebuilt(stage, "0000cccc", "three")  # as the hint says: to the image of today, and from there to the files
    roll_back_run(stage.context(), committed(stage))
    assert stage.stack.names[SHARED] == before["names"][SHARED]
    roll_back_run(stage.context(), committed(stage))
    assert stage.file.read_bytes() == stage.before


def test_an_image_that_loses_its_name_to_the_old_one_is_not_left_behind(stage: Stage) -> None:
    """A rebuild that is undone: nobody would ever say whose the nameless image is."""
    optimized(stage)
    before = stage.snapshot()
    journal = rebuilt(stage, "0000bbbb", "two")
    (made,) = journal.made
    roll_back_run(stage.context(), journal)
    assert made not in stage.stack.images
    assert stage.snapshot() == before


def test_a_kill_while_a_rebuild_is_undone(tmp_path: Path) -> None:
    """The way back from the file stays there, at every third step."""
    at, done = -2, False
    while not done:
        at += 3
        folder = tmp_path / str(at)
        folder.mkdir()
        stage = Stage(folder)
        stage.start()
        optimized(stage)
        before = stage.snapshot()
        journal = rebuilt(stage, "0000bbbb", "two")
        with pytest.MonkeyPatch.context() as patch:
            arm(patch, stage)
            stage.stack.fuse = Fuse(at)
            try:
                roll_back_run(stage.context(), journal)
                done = True
            except KilledError:
                stage.stack.fuse = Fuse()
                recover(stage)
                if committed(stage).run == "0000bbbb":
                    roll_back_run(stage.context(), committed(stage))
        assert stage.snapshot() == before, at
        assert committed(stage).run == "0000aaaa", at
    assert at > 20


def killed_while(stage: Stage, **hands: Any) -> None:
    """Apply, and die in one of these hands."""
    with pytest.MonkeyPatch.context() as patch:
        arm(patch, stage)
        with pytest.raises(KilledError):
            apply_plan(
                stage.context(),
                stage.work(source=hands.pop("source", ImageOrigin.IMAGE_ONLY)),
                replace(stage.hands(), **hands),
            )
    stage.stack.fuse = Fuse()


def die(stage: Stage) -> NoReturn:
    stage.stack.fuse = Fuse(0)
    raise KilledError


@pytest.mark.parametrize("moved", [0, 1, 2])
def test_a_kill_during_a_promotion_takes_its_names_away(stage: Stage, moved: int) -> None:
    before = stage.snapshot()

    def promote(_target: object, promoting: Callable[[str], None]) -> str:
        stage.stack.images.add("sha256:spec")
        promoting("sha256:spec")
        stage.stack.names |= dict.fromkeys(SPEC_NAMES[:moved], "sha256:spec")
        die(stage)

    killed_while(stage, source=ImageOrigin.SPEC, make_from_spec=promote)
    recover(stage)
    assert stage.snapshot() == before


def test_a_stack_that_was_stopped_after_a_kill_stays_so_where_no_restart_had_begun(stage: Stage) -> None:
    killed_while(stage, verify=lambda _image, _target: die(stage))
    for name, box in stage.stack.boxes.items():
        stage.stack.boxes[name] = replace(box, status="exited")
    boxes = dict(stage.stack.boxes)
    recovery = recover(stage)
    assert recovery is not None
    assert recovery.undone
    assert "restarted" not in recovery.words
    assert stage.stack.boxes == boxes


def test_a_run_that_used_no_engine_is_undone_without_one(stage: Stage) -> None:
    """Somebody started the rewritten file by hand since: whoever rewrote the file alone gets the file alone back."""
    stage.stack.boxes.clear()
    apply_plan(stage.context(), replace(stage.work(), file_only=True), stage.hands())
    stage.stack.images.add("sha256:hand")
    stage.stack.names[SHARED] = "sha256:hand"
    stage.start()
    stage.stack.boxes["012345678901_demo-web-1"] = replace(stage.stack.boxes["demo-web-1"], id="half", status="created")
    boxes, names = dict(stage.stack.boxes), dict(stage.stack.names)
    undone = roll_back_run(stage.context(), committed(stage))
    assert undone.files == (stage.file,)
    assert undone.downtime == {}
    assert (stage.stack.boxes, stage.stack.names, stage.stack.calls) == (boxes, names, [])
    assert stage.file.read_bytes() == stage.before


@pytest.mark.parametrize("source", [ImageOrigin.IMAGE_ONLY, ImageOrigin.SPEC])
@pytest.mark.parametrize("other", [True, False])
def test_a_run_that_was_killed_behind_its_commit_is_finished_on_its_own_engine(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, other: bool, source: ImageOrigin
) -> None:
    """Else its passing name would stay for ever."""
    with monkeypatch.context() as patch:
        patch.setattr("builder.rollout.apply.finish_commit", lambda *_args: die(stage))
        with pytest.raises(KilledError):
            apply_plan(stage.context(), stage.work(source=source), stage.hands())
    stage.stack.fuse = Fuse()
    elsewhere = replace(stage.context(), engine=FakeStack(stage.stack.folder, other_engine=True) if other else None)
    if source is ImageOrigin.IMAGE_ONLY:
        with pytest.raises(CheckFailedError, match="another engine" if other else "no engine answers"):
            recover(stage, elsewhere)
        recovery = recover(stage)
    else:
        recovery = recover(stage, elsewhere)
    assert recovery is not None
    assert not recovery.undone
    assert SHARED in stage.stack.names
    assert [name for name in stage.stack.names if "optbuild-" in name] == []
    assert leftovers(stage) == []


# A kill at every step


def points(folder: Path, scenario: Any) -> list[str]:
    """The steps of a run that nobody kills."""
    with pytest.MonkeyPatch.context() as patch:
        stage = Stage(folder)
        stage.start(workers=2)
        if scenario is not run_optimize:
            run_optimize(stage)
        stage.stack.fuse = Fuse()
        arm(patch, stage)
        scenario(stage)
        return stage.stack.fuse.names


def select_points(names: list[str]) -> list[int]:
    """Their numbers, from 1. The same step comes in many states: a file is synced twenty times."""
    return sorted({names.index(name) + 1 for name in names} | {*range(1, len(names) + 1, EVERY)})


def run_optimize(stage: Stage) -> None:
    apply_plan(stage.context(), stage.work(), stage.hands())


def run_rollback(stage: Stage) -> None:
    roll_back_run(stage.context(), committed(stage))


def killed_at(stage: Stage, number: int, scenario: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stage.stack.fuse = Fuse(number)
        arm(patch, stage)
        with pytest.raises(KilledError):
            scenario(stage)
    stage.stack.fuse = Fuse()


def leftovers(stage: Stage) -> list[str]:
    """Files that should not stay: temporary ones, overlays, open journals."""
    names = [path.name for path in (*stage.file.parent.iterdir(), *(stage.state / "compose").iterdir())]
    return [name for name in names if name.startswith(".") or ".open." in name or ".overlay." in name]


def test_a_kill_at_every_step_of_optimize(tmp_path: Path) -> None:
    names = points(tmp_path_made(tmp_path, "count"), run_optimize)
    for number in select_points(names):
        stage = Stage(tmp_path_made(tmp_path, f"k{number}"))
        stage.start(workers=2)
        before = stage.snapshot()
        killed_at(stage, number, run_optimize)
        assert stage.file.read_bytes() in {stage.before, stage.after}, names[number - 1]
        recover(stage)
        where = f"point {number}: {names[number - 1]}"
        assert leftovers(stage) == [], where
        after = stage.snapshot()
        assert after["db"] == before["db"], where
        if stage.file.read_bytes() == stage.before:
            assert after == before, where
        else:
            assert stage.stack.boxes["demo-web-1"].image_id == stage.stack.names[SHARED], where
            assert "demo-airflow:optbuild-0000aaaa" not in after["names"], where
            run_rollback(stage)
            assert stage.snapshot() == before, where
    assert len(names) > 60


def test_a_kill_at_every_step_of_rollback(tmp_path: Path) -> None:
    names = points(tmp_path_made(tmp_path, "count"), run_rollback)
    for number in select_points(names):
        stage = Stage(tmp_path_made(tmp_path, f"k{number}"))
        stage.start(workers=2)
        before = stage.snapshot()
        run_optimize(stage)
        killed_at(stage, number, run_rollback)
        where = f"point {number}: {names[number - 1]}"
        recover(stage)
        if read_journal(stage.context().committed(stage.files)) is not None:
            run_rollback(stage)
        assert stage.snapshot() == before, where
        assert leftovers(stage) == [], where
    assert len(names) > 30


def test_a_kill_while_recovering_is_recovered_from(tmp_path: Path) -> None:
    names = points(tmp_path_made(tmp_path, "count"), run_optimize)
    number = next(index for index, name in enumerate(names, 1) if name.startswith("created web"))
    for second in range(1, 200, EVERY):
        stage = Stage(tmp_path_made(tmp_path, f"k{second}"))
        stage.start(workers=2)
        before = stage.snapshot()
        killed_at(stage, number, run_optimize)
        with pytest.MonkeyPatch.context() as patch:
            stage.stack.fuse = Fuse(second)
            arm(patch, stage)
            try:
                recover(stage)
            except KilledError:
                ended = False
            else:
                ended = True
        stage.stack.fuse = Fuse()
        recover(stage)
        assert stage.snapshot() == before
        assert leftovers(stage) == []
        if ended:
            assert second > 20
            return
    pytest.fail("the recovery never ended")


def tmp_path_made(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made
