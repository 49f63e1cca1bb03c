"""The next build removes what a failed one left, and nothing that anybody needs."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from fake_image_store import ENGINE, Shelf, identity, image, user
from note_progress import NoteProgress
from runtime_factory import make_runtime

from builder.core.errors import EngineFailedError
from builder.core.naming import LABEL_CONTENT, LABEL_PROJECT
from builder.engine.client import ImageInfo
from builder.operations.failed_candidates import remove_failed_candidates
from builder.state import OpenCandidate, State, VerifiedImage, read_state, update_state
from builder.store.history import JournalSet, make_state_snapshot
from builder.store.model import RetentionRules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "demo:0123456789ab"
LABELS = {LABEL_PROJECT: "demo", LABEL_CONTENT: "0123456789ab"}
BAD = identity("bad")
LEFT = OpenCandidate(ENGINE, "demo", "0123456789ab", NAME, None, BAD)


class Place:
    """An engine with the image that a failed build left, beside one that was promoted."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shelf = Shelf()
        self.shelf.add(image("bad", ("base", "x"), NAME, labels=LABELS), image("good", ("base", "y"), "demo:latest"))
        self.notes = NoteProgress()
        self.runtime = make_runtime(folder, {"HOME": str(folder)}, progress=self.notes)
        self.folder = folder
        self.failing: Exception | None = None
        self.info = SimpleNamespace(identity=ENGINE)
        monkeypatch.setattr("builder.engine.socket_client.connect_reader", self._connect)
        monkeypatch.setattr("builder.engine.compose_containers.StackEngine", lambda _engine: self.shelf)
        monkeypatch.setattr("builder.operations.snapshot.SnapshotReader", self._make_reader)
        self.record(LEFT)

    def record(self, *left: OpenCandidate) -> None:
        update_state(self.runtime.state_folder, lambda state: state.with_candidates(ENGINE, "demo", left))

    def inspect_image(self, reference: str) -> ImageInfo | None:
        found = self.shelf.images.get(self.find_image_id(reference) or "")
        return ImageInfo(found.id, found.names, found.layers.labels, "linux/amd64", 1) if found else None

    def find_image_id(self, reference: str) -> str | None:
        return self.shelf.find_image_id(reference)

    @contextlib.contextmanager
    def _connect(self, _env: object) -> Iterator[None]:
        yield

    def _make_reader(self, runtime: Any, options: Any, _reader: object, *, strict: bool) -> Any:
        assert strict
        self.options = options

        def read() -> Any:
            if self.failing:
                raise self.failing
            state = read_state(runtime.state_folder)
            self.shelf.remembered = make_state_snapshot(ENGINE, state, JournalSet())
            return self.shelf.snapshot()

        return SimpleNamespace(read_snapshot=read, runtime=runtime)

    def run(self, protected: tuple[str, ...] = ()) -> tuple[OpenCandidate, ...]:
        engine: Any = self
        left = remove_failed_candidates(self.runtime, engine, "demo", self.folder, protected)
        assert read_state(self.runtime.state_folder).list_candidates(ENGINE, "demo") == left
        return left


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch)


def test_it_goes_and_is_said(place: Place) -> None:
    """Also where nothing of the project was ever promoted, so that its state knows nothing else."""
    assert place.run() == ()
    assert set(place.shelf.images) == {identity("good")}
    assert place.notes.notes == ["candidates of builds that failed or were killed: 1", f"removed {NAME}"]
    place.notes.notes.clear()
    assert place.run() == ()
    assert place.notes.notes == []


def test_one_whose_process_could_not_say_its_id_goes_too(place: Place) -> None:
    place.record(OpenCandidate(ENGINE, "demo", "0123456789ab", NAME, None))
    assert place.run() == ()
    assert BAD not in place.shelf.images


def test_what_a_container_uses_stays_until_that_is_gone(place: Place) -> None:
    place.shelf.users.append(user(BAD, "look"))
    assert place.run() == (LEFT,)
    assert f"{NAME} stays: container look (exited) uses it" in place.notes.notes
    place.shelf.users.clear()
    assert place.run() == ()
    assert BAD not in place.shelf.images


def test_what_somebody_else_named_is_his(place: Place) -> None:
    place.shelf.tag(BAD, "mine:1")
    assert place.run() == ()
    assert BAD in place.shelf.images


def test_what_is_protected_stays(place: Place) -> None:
    place.shelf.rules = RetentionRules({"demo:*": "optbuild.toml"})
    assert place.run(("demo:*",)) == (LEFT,)
    assert place.options.protect == ("demo:*",)
    (place.folder / "optbuild.toml").touch()
    assert place.run(("demo:*",)) == (LEFT,)
    assert (place.options.spec, place.options.protect) == (place.folder, ())


def test_what_was_proven_since_stays(place: Place) -> None:
    def prove(state: State) -> State:
        return state.with_verified(VerifiedImage(BAD, "demo", "0123456789ab", "p", 1.0))

    update_state(place.runtime.state_folder, prove)
    assert place.run() == ()
    assert BAD in place.shelf.images


def test_what_cannot_be_judged_stays_and_stops_nothing(place: Place) -> None:
    place.failing = EngineFailedError("it broke")
    assert place.run() == (LEFT,)
    assert place.notes.notes[-1] == "what failed builds of demo left stays for now: it broke"
