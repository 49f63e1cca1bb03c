"""When an image's layers are read, when they are put right, and what is said and remembered of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
from archive_files import config_of, image, info, sha256, tar_of
from note_progress import NoteProgress
from runtime_factory import make_runtime

from builder.core.errors import DiskFullError, EngineFailedError
from builder.core.naming import LABEL_BASE_LAYERS
from builder.engine.client import EngineInfo, ImageInfo
from builder.engine.tarstream import TarStream
from builder.image.build.layer_order import list_own_layers, put_layers_in_order
from builder.image.build.order_memory import read_order_memory, update_order_memory

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from builder.engine.client import Engine


def layer_of(*names: str) -> bytes:
    return tar_of([(info(name, size=len(name)), name.encode()) for name in names])


LOW, SORTED, WALKED = layer_of("etc"), layer_of("numpy-1/R", "numpy/core"), layer_of("numpy/core", "numpy-1/R")
STUCK = layer_of("b", ".wh.a")
REFERENCE = "web:tag"


@dataclass
class FakeEngine:
    """Images by ID, each with the tars of its layers; ``names``; ``folders``: of each image, where its layers lie."""

    info: EngineInfo
    stacks: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    saved: int = 0
    looked: int = 0
    loses: bool = False
    free: int | None = None

    @property
    def api(self) -> FakeEngine:
        return self

    def add(self, *layers: bytes, folder: str = "new", name: str = REFERENCE) -> ImageInfo:
        identity = f"sha256:{sha256(config_of(layers))}"
        self.stacks[identity], self.folders[identity], self.names[name] = layers, folder, identity
        return self.describe(identity)

    def describe(self, identity: str) -> ImageInfo:
        return ImageInfo(identity, (), self.labels, "linux/amd64", 9, self.list_diffs(identity))

    def list_diffs(self, identity: str) -> tuple[str, ...]:
        return tuple(f"sha256:{sha256(layer)}" for layer in self.stacks[identity])

    def images(self) -> list[dict[str, Any]]:
        self.looked += 1
        return [{"Id": identity} for identity in self.stacks]

    def get_image(self, identity: str) -> Iterator[bytes]:
        self.saved += 1
        yield image(*self.stacks[identity])

    def load(self, chunks: Iterable[bytes]) -> None:
        archive = TarStream(chunks)
        files = {member.name: b"".join(archive.iterate_data(member)) for member in archive}
        (config,) = (data for name, data in files.items() if name.endswith(".json") and name != "manifest.json")
        sent = [data for name, data in files.items() if name.endswith(".tar")]
        known = {
            f"sha256:{sha256(layer)}": layer
            for layer in (*sent, *(one for stack in self.stacks.values() for one in stack))
        }
        layers = [known[diff] for diff in json.loads(config)["rootfs"]["diff_ids"]]
        if not self.loses:
            identity = f"sha256:{sha256(config)}"
            self.stacks[identity], self.folders[identity] = tuple(layers), "new"

    def find_image_id(self, image: str) -> str | None:
        return image if image in self.stacks else self.names.get(image)

    def tag(self, image: str, reference: str) -> None:
        self.names[reference] = image

    def remove_unnamed(self, image: str) -> None:
        if image not in self.names.values():
            del self.stacks[image]

    def measure_free_bytes(self) -> int | None:
        return self.free

    def inspect_image(self, reference: str) -> Any:
        """By name as the engine's client answers, by ID as its API does."""
        if reference in self.names:
            return self.describe(self.names[reference])
        diffs, folder = self.list_diffs(reference), self.folders[reference]
        places = [f"{folder}/{number}" for number in range(len(diffs))]
        data = {"UpperDir": places[-1], "LowerDir": ":".join(reversed(places[:-1]))}
        return {"RootFS": {"Layers": list(diffs)}, "GraphDriver": {"Data": data}}


class Place:
    """An engine that keeps its layers with overlay2, and a machine's cache."""

    def __init__(self, folder: Path) -> None:
        self.notes = NoteProgress()
        self.runtime = make_runtime(folder, progress=self.notes)
        self.engine = self.make_engine()

    @staticmethod
    def make_engine(*, walks: bool = True, containerd: bool = False) -> FakeEngine:
        return FakeEngine(EngineInfo("e", "26", "/root", "linux/amd64", containerd, walks))

    def order(self, found: ImageInfo, *, from_cache: bool = False) -> ImageInfo:
        return put_layers_in_order(self.runtime, cast("Engine", self.engine), found, REFERENCE, from_cache=from_cache)

    @property
    def memory(self) -> Any:
        return read_order_memory(self.runtime.cache_folder)

    @property
    def is_mixed(self) -> bool:
        return bool(self.memory.engines["e"].mixed)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_what_a_fresh_engine_walked_is_trusted_and_not_asked_for_again(place: Place) -> None:
    found = place.engine.add(LOW, WALKED)
    assert place.order(found) is found
    assert place.order(found, from_cache=True) is found
    assert (place.engine.saved, place.engine.looked, place.notes.tasks) == (0, 1, [])


def test_layers_of_another_build_below_make_an_engine_suspicious_for_good(place: Place) -> None:
    found = place.engine.add(LOW, SORTED)
    other = place.engine.add(LOW, layer_of("x"), folder="old", name="other")
    right = place.order(found)
    assert right.diffs == (found.diffs[0], f"sha256:{sha256(WALKED)}")
    assert place.engine.names[REFERENCE] == right.id
    assert found.id not in place.engine.stacks
    assert place.is_mixed
    (said,) = place.notes.notes
    assert "had layers below from another build and wrote 1 layer in another order than others do" in said
    place.engine.remove_unnamed(place.engine.names.pop("other") and other.id)
    again = place.engine.add(LOW, layer_of("b", "a"))
    assert place.order(again).id != again.id, "the build cache may have what the image had"


def test_what_was_trusted_before_is_read_once_the_engine_is_mixed(place: Place) -> None:
    found = place.engine.add(LOW, SORTED)
    assert place.order(found) is found
    place.engine.add(LOW, layer_of("x"), folder="old", name="other")
    other = place.engine.add(LOW, layer_of("y"))
    assert place.order(other) == other
    place.engine.tag(found.id, REFERENCE)
    assert place.order(found).id != found.id


def test_a_build_cache_that_nobody_saw_grow_is_read_once(place: Place) -> None:
    found = place.engine.add(LOW, WALKED)
    assert place.order(found, from_cache=True) == found
    assert not place.is_mixed
    new = place.engine.add(LOW, layer_of("x"))
    assert place.order(new, from_cache=True) is new
    assert place.engine.saved == 1


def test_one_layer_in_another_order_is_enough_to_distrust_an_engine(place: Place) -> None:
    """The build cache gives it again, in an image with another label too."""
    place.order(place.engine.add(LOW, SORTED), from_cache=True)
    assert place.is_mixed
    found = place.engine.add(LOW, SORTED, WALKED)
    assert place.order(found, from_cache=True).diffs == (*place.memory.checked[:2], place.memory.checked[1])


def test_what_the_build_cache_gives_again_is_exchanged_without_reading_it(place: Place) -> None:
    right = place.order(place.engine.add(LOW, SORTED), from_cache=True)
    again = place.engine.add(LOW, SORTED)
    assert place.order(again) == right
    assert again.id not in place.engine.stacks
    place.engine.stacks.clear()
    assert place.order(place.engine.add(LOW, SORTED)) == right, "the image that was put right was removed"
    assert place.engine.saved == 2


def test_other_storage_drivers_are_read_each_time_something_is_new(place: Place) -> None:
    place.engine = place.make_engine(walks=False)
    assert place.order(place.engine.add(LOW, SORTED)).diffs[1] == f"sha256:{sha256(WALKED)}"
    assert "sorts files by whole path and wrote 1 layer" in place.notes.notes[0]
    found = place.engine.add(LOW, WALKED)
    assert place.order(found) == found
    assert (place.engine.saved, place.engine.looked) == (1, 0)


def test_containerds_store_is_left_alone(place: Place) -> None:
    place.engine = place.make_engine(walks=False, containerd=True)
    found = place.engine.add(LOW, SORTED)
    assert place.order(found) is found
    assert place.engine.saved == 0


def test_layers_of_an_image_below_stay_as_everybody_has_them(place: Place) -> None:
    place.engine.labels = {LABEL_BASE_LAYERS: "1"}
    found = place.engine.add(SORTED, LOW)
    assert list_own_layers(found) == found.diffs[1:]
    assert place.order(found, from_cache=True) == found
    assert place.notes.notes == []


def test_what_cannot_be_moved_is_said_with_its_reason(place: Place) -> None:
    found = place.engine.add(LOW, STUCK)
    assert place.order(found, from_cache=True) == found
    (said,) = place.notes.notes
    assert said.startswith(f"layer 2 ({sha256(STUCK)[:12]}) is not in the order that other engines write")
    assert "because it deletes files" in said
    assert place.memory.list_unknown("e", found.diffs) == (found.diffs[1],)


def test_a_disk_without_room_is_said_before_anything_is_read(place: Place) -> None:
    found = place.engine.add(LOW, SORTED)
    place.engine.free = 10
    with pytest.raises(DiskFullError, match="/root"):
        place.order(found, from_cache=True)
    assert place.engine.saved == 0


def test_an_engine_that_does_not_give_what_it_was_sent_is_an_error(place: Place) -> None:
    found = place.engine.add(LOW, SORTED)
    place.engine.loses = True
    with pytest.raises(EngineFailedError, match="put in order, but not as"):
        place.order(found, from_cache=True)
    assert place.engine.names[REFERENCE] == found.id
    assert list((place.runtime.cache_folder / "contexts").iterdir()) == []


def test_a_document_that_is_damaged_costs_a_look(place: Place) -> None:
    found = place.engine.add(LOW, WALKED)
    update_order_memory(place.runtime.cache_folder, lambda memory: memory.with_mixed("e"))
    (place.runtime.cache_folder / "layer-order.json").write_text("[]")
    assert place.order(found, from_cache=True) == found
    assert place.engine.saved == 1
