"""`optbuild clean` on the real engine, among whatever else is there: only images of this test may go, and of those none
that anybody needs. A volume with data in it survives.

The engine may be anybody's: each call is narrowed to this test's label, by the same option that a person would use.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from runtime_factory import make_runtime
from tiny_images import TEST_LABEL, Tiny, identity, load, own_value, removed_afterwards

from builder.compose.model import ProjectFiles
from builder.core.naming import LABEL_PROJECT
from builder.core.process import LocalRunner
from builder.engine.compose_containers import StackEngine
from builder.engine.socket_client import connect_reader
from builder.operations.snapshot import SnapshotReader, StoreOptions
from builder.rollout.journal import Journal, Phase, ReplacedImage, TagRecord
from builder.rollout.journal_file import read_journal, resolve_journal_path, write_journal
from builder.state import FormerImage, ProjectState, read_state, update_state
from builder.store.clean import CleanOptions, execute_clean_plan, make_clean_plan
from builder.store.model import LABEL_PROTECT
from builder.store.select import parse_filter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.engine.client import Engine
    from builder.store.model import InventorySnapshot

MAIN = "from builder.cli.main import main; main()"


class Machine:
    """This test's part of the engine, a home of its own, and a folder with a compose file."""

    def __init__(self, engine: Engine, home: Path, value: str) -> None:
        self.engine = engine
        self.home = home
        self.value = value
        self.label = {TEST_LABEL: value}
        self.prefix = f"optbuild-test-{uuid.uuid4().hex[:8]}"
        self.project = home / "project"
        self.project.mkdir()
        self.state = home / "state" / "optbuild"
        self.env = {**os.environ, "XDG_STATE_HOME": str(home / "state"), "XDG_CACHE_HOME": str(home / "cache")}

    def tiny(self, name: str, *layers: str, labels: dict[str, str] | None = None, names: int = 1) -> Tiny:
        """``names`` of it; 0: dangling. The layers are this test's own."""
        tags = tuple(f"{self.prefix}-{name}:{number}" for number in range(names))
        return Tiny(
            tags, tuple(f"{self.prefix} {text}" for text in layers), {**self.label, "name": name, **(labels or {})}
        )

    def load(self, *images: Tiny) -> None:
        """Those without a name get one for the load, which the engine needs to keep them apart, and lose it again."""
        load(self.engine, images)

    def container(self, image: Tiny, *, start: bool = False) -> str:
        made = self.engine.client.api.create_container(identity(image), ["/nothing"], labels=self.label)
        if start:  # there is nothing to run in it: the engine refuses, and the container stays as it was created
            subprocess.run(("docker", "start", made["Id"]), capture_output=True, check=False)
        return str(made["Id"])

    def clean(self, *words: str) -> dict[str, Any]:
        argv = (sys.executable, "-c", MAIN, "clean", "--filter", f"label={TEST_LABEL}={self.value}", "--format", "json")
        done = subprocess.run(
            (*argv, *words), cwd=self.project, env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def there(self, image: Tiny) -> bool:
        return self.engine.find_image_id(identity(image)) is not None

    def names(self, image: Tiny) -> set[str]:
        found = self.engine.inspect_image(identity(image))
        return set() if found is None else set(found.references)


@pytest.fixture
def machine(engine: Engine, tmp_path: Path) -> Iterator[Machine]:
    value = own_value()
    with removed_afterwards(engine, value):
        yield Machine(engine, tmp_path, value)


def test_what_nobody_needs_goes_and_everything_else_stays(machine: Machine) -> None:
    dangling, parent = machine.tiny("dangling", "base", "one", names=0), machine.tiny("parent", "base", names=0)
    unused = machine.tiny("unused", "base", "two", names=3)
    stopped, named = machine.tiny("stopped", "base", "three"), machine.tiny("named", "base", "four")
    labelled = machine.tiny("labelled", "base", "five", labels={LABEL_PROTECT: "yes"}, names=0)
    pattern = machine.tiny("pattern", "base", "six")
    machine.load(dangling, parent, unused, stopped, named, labelled, pattern)
    machine.container(stopped)
    (machine.project / "compose.yaml").write_text(f"services: {{web: {{image: '{named.names[0]}'}}}}\n")
    (machine.project / "optbuild.toml").write_text(f'[protect]\nimages = ["{machine.prefix}-pattern:*"]\n')

    preview = machine.clean("--unused")
    assert {one["id"] for one in preview["images"] if one["goes"]} == {identity(dangling), identity(unused)}
    assert all(machine.there(one) for one in (dangling, parent, unused, stopped, named, labelled, pattern))

    done = machine.clean("--unused", "--yes")
    assert {one["id"] for one in done["removed"]} == {identity(dangling), identity(unused)}
    assert done["freed_bytes"] == preview["frees_bytes"] == len(f"{machine.prefix} one") + len(f"{machine.prefix} two")
    assert not machine.there(dangling)
    assert not machine.there(unused)
    for one in (parent, stopped, named, labelled, pattern):
        assert machine.there(one), one.labels["name"]
        assert machine.names(one) == set(one.names)


def test_without_being_asked_no_image_goes_that_has_a_name(machine: Machine) -> None:
    unused = machine.tiny("unused", "base")
    machine.load(unused)
    assert machine.clean("--yes")["removed"] == []
    assert machine.there(unused)


def test_what_young_images_are_stays(machine: Machine) -> None:
    old = machine.tiny("old", "base", names=0)
    machine.load(old)
    assert machine.clean("--yes", "--min-age", "5000w")["removed"] == []
    assert machine.there(old)


def test_what_was_promoted_once_goes_but_for_the_last_two(machine: Machine) -> None:
    ours = [machine.tiny(f"v{n}", "base", f"v{n}", labels={LABEL_PROJECT: machine.prefix}) for n in range(5)]
    machine.load(*ours)
    former = tuple(FormerImage(identity(one), "", float(place)) for place, one in enumerate(ours[:4]))
    promoted = ProjectState(machine.engine.info.identity, machine.prefix, {ours[4].names[0]: identity(ours[4])}, former)
    update_state(machine.state, lambda state: state.with_project(promoted))
    done = machine.clean("--yes")
    assert {one["id"] for one in done["removed"]} == {identity(ours[0]), identity(ours[1])}
    left = read_state(machine.state).find_project(machine.engine.info.identity, machine.prefix)
    assert [one.image_id for one in left.superseded] == [identity(ours[2]), identity(ours[3])]
    (machine.state / "state.json").unlink()
    assert machine.clean("--yes", "--unused")["removed"] == []
    assert all(map(machine.there, ours[2:]))


def test_what_an_optimize_replaced_goes_and_the_journal_knows(machine: Machine) -> None:
    old, new, named = machine.tiny("old", "base", "o"), machine.tiny("new", "base", "n"), machine.tiny("named", "x")
    machine.load(old, new, named)
    file = machine.project / "compose.yaml"
    file.write_text(f"services: {{web: {{image: '{new.names[0]}'}}}}\n")
    journal = Journal(
        "0000aaaa",
        ProjectFiles(machine.project, (file,)),
        "shop",
        machine.engine.info.identity,
        Phase.COMMITTED,
        1000.0,
        tags=(TagRecord(new.names[0], None, identity(new)),),
        replaced=(ReplacedImage(identity(old), old.names), ReplacedImage(identity(named), ("another-name:latest",))),
    )
    path = resolve_journal_path(machine.state, journal.files)
    write_journal(path, journal)
    done = machine.clean("--yes")
    assert [one["id"] for one in done["removed"]] == [identity(old)]
    assert read_journal(path) == replace(journal, cleaned=(identity(old),))
    assert machine.there(new)
    assert machine.there(named)


def test_a_volume_and_its_data_survive(machine: Machine, postgres_image: str) -> None:
    api, name = machine.engine.client.api, f"{machine.prefix}-data"
    api.create_volume(name, labels=machine.label)
    try:
        mount = {name: {"bind": "/data", "mode": "rw"}}
        run = machine.engine.client.containers.run
        run(postgres_image, ["sh", "-c", "echo kept > /data/file"], entrypoint="", volumes=mount, remove=True)
        dangling = machine.tiny("dangling", "base", names=0)
        machine.load(dangling)
        machine.clean("--unused", "--yes")
        assert not machine.there(dangling)
        said = run(postgres_image, ["cat", "/data/file"], entrypoint="", volumes=mount, remove=True)
        assert said == b"kept\n"
    finally:
        api.remove_volume(name)


def test_a_backup_comes_first_and_brings_everything_back(machine: Machine) -> None:
    unused = machine.tiny("unused", "base", "own", names=2)
    machine.load(unused)
    done = machine.clean("--unused", "--yes", "--backup", str(machine.home / "saved"))
    assert [one["id"] for one in done["removed"]] == [identity(unused)]
    assert not machine.there(unused)
    subprocess.run(
        (sys.executable, "-c", MAIN, "restore", str(machine.home / "saved")), check=True, capture_output=True
    )
    assert machine.names(unused) == set(unused.names)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_container_that_is_made_between_preview_and_removal_keeps_its_image(machine: Machine, number: int) -> None:
    """Before reading ``number``: also after the first name was taken."""
    image = machine.tiny("late", "base", names=2)
    machine.load(image)
    options = CleanOptions(unused=True, filters=(parse_filter(f"label={TEST_LABEL}={machine.value}"),))
    runtime = make_runtime(machine.project, machine.env, runner=LocalRunner())
    with connect_reader(os.environ) as found:
        store = SnapshotReader(runtime, StoreOptions(), found, strict=True)
        planned, count = make_clean_plan(store.read_snapshot(), options), 0
        assert [choice.row.image.id for choice in planned.going] == [identity(image)]

        def read() -> InventorySnapshot:
            nonlocal count
            if count == number:
                machine.container(image)
            count += 1
            return store.read_snapshot()

        done = execute_clean_plan(planned, StackEngine(machine.engine), read)
    assert done.removed == ()
    assert "uses it" in done.skipped[0][1]
    assert machine.names(image) == set(image.names)


@pytest.mark.parametrize("seed", range(40 if os.environ.get("OPTBUILD_SOAK") else 3))
def test_random_worlds_lose_nothing(machine: Machine, seed: int) -> None:
    """Images over shared layers, some used, some named by a file, some protected; the rest goes, in one run."""
    dice = random.Random(seed)  # noqa: S311 - a test, not a secret
    images = [_random_image(machine, number, dice) for number in range(12)]
    machine.load(*images)
    used = dice.sample(images, 3)
    boxes = {machine.container(one, start=dice.random() < 0.5) for one in used}
    named = [one for one in images if one.names and dice.random() < 0.3]
    services = "".join(f"  s{number}: {{image: '{one.names[0]}'}}\n" for number, one in enumerate(named))
    (machine.project / "compose.yaml").write_text(f"services:\n{services or '  none: {image: nothing}'}")

    keep = {identity(one) for one in (*used, *named)} | {identity(one) for one in images if LABEL_PROTECT in one.labels}
    stays = _with_what_is_below(images, keep)
    done = machine.clean("--unused", "--yes")
    assert {one["id"] for one in done["removed"]} == {identity(one) for one in images} - stays
    for one in images:
        assert machine.there(one) is (identity(one) in stays)
        if identity(one) in stays:
            assert machine.names(one) == set(one.names)
    assert boxes <= {one["Id"] for one in machine.engine.client.api.containers(all=True)}


def _random_image(machine: Machine, number: int, dice: random.Random) -> Tiny:
    layers = ("base", *(f"{depth} {dice.randrange(2)}" for depth in range(dice.randrange(3))))
    labels = {LABEL_PROTECT: "yes"} if dice.random() < 0.15 else None
    return machine.tiny(f"i{number}", *layers, labels=labels, names=dice.randrange(3))


def _with_what_is_below(images: list[Tiny], keep: set[str]) -> set[str]:
    """What stays, and what that stands on."""
    kept = [one for one in images if identity(one) in keep]
    return keep | {
        identity(low)
        for low in images
        for high in kept
        if len(low.layers) < len(high.layers) and high.layers[: len(low.layers)] == low.layers
    }
