"""What becomes of the old images behind an optimize that went well, and what is said of them."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from fake_image_store import ENGINE, Shelf, identity, image, user

from builder.compose.model import ProjectFiles
from builder.core.progress import SilentProgress
from builder.engine.layers import ImageLayers, Layer
from builder.operations.old_images import add_old_images, sum_image_bytes
from builder.report.optimize import format_optimize_json, format_optimize_text
from builder.rollout.history import choose_previous
from builder.rollout.journal import FileRecord, Journal, Phase, ReplacedImage, TagRecord
from builder.rollout.result import RolloutResult
from builder.state import State
from builder.store.history import JournalSet, make_state_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.operations.snapshot import StoreOptions

SHARED = "shop-airflow:latest"


class Notes(SilentProgress):
    """What a person would see, but for ``--quiet``."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)


class Behind:
    """An engine behind an optimize that replaced two images of one project by one."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shelf = Shelf(users=[user(identity("new"), "web", "running")])
        self.shelf.add(
            image("small", ("base", "x"), "shop-init:latest"),
            image("large", ("base", "y" * 1000), "shop-web:latest"),
            image("new", ("base", "z"), SHARED),
        )
        self.folder = folder
        edit = FileRecord(folder / "c.yaml", b"a", b"b", 0o644, folder / "c.yaml.bak", folder / "t")
        self.journal = Journal(
            "0000aaaa",
            ProjectFiles(folder, (folder / "c.yaml",)),
            "shop",
            ENGINE,
            Phase.COMMITTED,
            1000.0,
            edits=(edit,),
            tags=(TagRecord(SHARED, None, identity("new")),),
            made=(identity("new"),),
            replaced=(
                ReplacedImage(identity("small"), ("shop-init:latest",)),
                ReplacedImage(identity("large"), ("shop-web:latest",)),
            ),
        )
        self.progress = Notes()
        self.failing: Exception | None = None
        monkeypatch.setattr("builder.operations.old_images.connect_reader", self._look)
        monkeypatch.setattr("builder.operations.old_images.SnapshotReader", self._store)

    @contextlib.contextmanager
    def _look(self, _env: object) -> Iterator[None]:
        yield

    def _store(self, runtime: Any, options: StoreOptions, _look: object, *, strict: bool) -> Any:
        """The project's files are those of the optimize, wherever it was called."""
        assert strict
        assert (options.files, options.project_directory) == ((str(self.folder / "c.yaml"),), str(self.folder))

        def snapshot() -> Any:
            if self.failing is not None:
                raise self.failing
            self.shelf.remembered = make_state_snapshot(ENGINE, State(), JournalSet((self.journal,)))
            return self.shelf.snapshot()

        return SimpleNamespace(read_snapshot=snapshot, runtime=runtime)

    def outcome(self, *, clean: bool) -> RolloutResult:
        runtime = SimpleNamespace(env={}, state_folder=self.folder, progress=self.progress)
        planned = SimpleNamespace(choices=SimpleNamespace(spec_folder=None))
        context = SimpleNamespace(runtime=runtime, engine=self.shelf)
        given = cast("tuple[Any, Any]", (context, planned))
        return add_old_images(given[0], self.journal, RolloutResult("shop"), given[1], asked=clean)


@pytest.fixture
def behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Behind:
    return Behind(tmp_path, monkeypatch)


def test_what_may_go_is_named_with_its_bytes(behind: Behind) -> None:
    outcome = behind.outcome(clean=False)
    assert outcome.freed == 10_010
    assert outcome.command == "docker image rm shop-web:latest shop-init:latest"
    assert "a rollback would then have to build them again.\n" in format_optimize_text(outcome)


def test_what_went_is_told_as_it_went(behind: Behind) -> None:
    """A container is started from one of the two between the plan and its removal."""

    def start(step: str) -> None:
        if step == f"remove {identity('large')}":
            behind.shelf.users.append(user(identity("large"), "late", "running"))

    behind.shelf.before_step = start
    outcome = behind.outcome(clean=True)
    assert [one.references for one in outcome.removed] == [("shop-init:latest",)]
    assert (outcome.freed, outcome.command) == (10, "")
    text = format_optimize_text(outcome)
    assert "removed 1 old image, 10 B on disk: shop-init:latest\nA rollback has to build them again.\n" in text
    assert "shop-web:latest stays: the engine says that something uses it\n" in text
    assert "nothing uses now" not in text
    assert json.loads(format_optimize_json(outcome))["old_bytes"] == 10


def test_what_somebody_else_removed_meanwhile_is_neither_removed_nor_there(behind: Behind) -> None:
    def remove(step: str) -> None:
        if step == f"remove {identity('large')}":
            behind.shelf.images.pop(identity("small"), None)

    behind.shelf.before_step = remove
    outcome = behind.outcome(clean=True)
    assert [one.references for one in outcome.removed] == [("shop-web:latest",)]
    assert outcome.old == ()


def rebuilt(behind: Behind, run: str, old: str, new: str) -> None:
    """Once more, by `--rebuild`, which changes no file."""
    behind.shelf.add(image(new, ("base", new), SHARED))
    behind.shelf.users[:] = [user(identity(new), "web", "running")]
    behind.journal = replace(
        behind.journal,
        run=run,
        edits=(),
        tags=(TagRecord(SHARED, identity(old), identity(new)),),
        made=(identity(new),),
        replaced=(ReplacedImage(identity(old), (SHARED,)),),
        previous=choose_previous(behind.journal, edits=False),
    )


def test_after_a_rebuild_the_image_to_which_a_rollback_goes_back_stays(behind: Behind) -> None:
    rebuilt(behind, "0000bbbb", "new", "newer")
    outcome = behind.outcome(clean=True)
    assert identity("new") in behind.shelf.images
    assert [one.references for one in outcome.removed] == [("shop-web:latest",), ("shop-init:latest",)]
    (kept,) = outcome.old
    assert kept.kept.endswith("replaced it; `optbuild rollback` returns to it, and could not build it again")


def test_of_two_rebuilds_only_the_last_can_be_undone(behind: Behind) -> None:
    rebuilt(behind, "0000bbbb", "new", "newer")
    rebuilt(behind, "0000cccc", "newer", "newest")
    outcome = behind.outcome(clean=False)
    assert [one.image_id for one in outcome.old if one.kept] == [identity("newer")]
    assert {one.image_id for one in outcome.old if not one.kept} == {*map(identity, ("small", "large", "new"))}
    assert "; a rollback would then have to build some of them again.\n" in format_optimize_text(outcome)
    behind.shelf.images = {key: one for key, one in behind.shelf.images.items() if one.names != ("shop-init:latest",)}
    del behind.shelf.images[identity("large")]
    assert "; no rollback returns to them.\n" in format_optimize_text(behind.outcome(clean=False))


def test_a_failure_behind_an_optimize_that_went_well_is_only_said(behind: Behind) -> None:
    behind.failing = PermissionError(13, "Permission denied", "/home/other")
    assert behind.outcome(clean=True) == RolloutResult("shop")
    assert "Permission denied" in behind.progress.said[0]


def layers_of(identity: str, **layers: int | None) -> ImageLayers:
    return ImageLayers(identity, (), {}, 0.0, tuple(Layer(chain, chain, size) for chain, size in layers.items()))


HERE = {
    "a": layers_of("a", base=100, own_a=10),
    "b": layers_of("b", base=100, own_b=20),
    "c": layers_of("c", base=100),
    "unknown": layers_of("unknown", base=100, own=None),
}


def test_bytes_that_were_not_measured_are_unknown() -> None:
    assert sum_image_bytes(("unknown",), HERE) is None
    assert sum_image_bytes(("a", "b"), HERE) == 130
    assert sum_image_bytes((), HERE) is None
    assert sum_image_bytes(("gone",), HERE) is None
