"""Images of the real engine, saved, removed and brought back: same IDs, same names, and their containers run."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
from backup_images import Machine, digits, snapshot
from fresh_engine import second_engine

from builder.core.errors import BadImageArchiveError
from builder.core.progress import SilentProgress
from builder.engine.client import connect_engine
from builder.store.manifest import MANIFEST_FILE, read_manifest
from builder.store.restore import check_archives, restore_images, select_images

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.engine.client import Engine


@pytest.fixture
def machine(engine: Engine, tmp_path: Path, orphans_removed: object) -> Iterator[Machine]:
    made = Machine(engine, tmp_path)
    try:
        yield made
    finally:
        made.remove()


def test_images_come_back_as_they_were(machine: Machine) -> None:
    one, two = machine.build("a:1", "a:latest", content=b"one"), machine.build("b:1", content=b"two")
    nameless = machine.build(content=b"three")
    said = json.loads(machine.run("backup", machine.name("a:1"), two, nameless, "-o", "saved", "--format", "json"))
    assert [image["id"] for image in said["images"]] == [one, two, nameless]
    assert [image["result"] for image in said["images"]] == ["saved"] * 3
    for identity in (one, two, nameless):
        machine.forget(identity)
    assert "3 archives whole" in machine.run("restore", "saved", "--check")
    assert not machine.there(one)
    machine.run("restore", "saved")
    assert machine.names(one) == sorted([machine.name("a:1"), machine.name("a:latest")])
    assert machine.names(two) == [machine.name("b:1")]
    assert machine.names(nameless) == []
    for identity in (one, two, nameless):
        assert machine.runs(identity)
    assert machine.runs(machine.name("a:latest"))


def test_a_second_run_saves_what_is_new(machine: Machine) -> None:
    one = machine.build("a:1", content=b"one")
    machine.run("backup", one, "-o", "saved")
    machine.docker("tag", one, machine.name("a:more"))
    two = machine.build("b:1", content=b"two")
    before = snapshot(machine.home / "saved")
    said = json.loads(machine.run("backup", one, two, "-o", "saved", "--format", "json"))
    assert [image["result"] for image in said["images"]] == ["already there", "saved"]
    assert said["images"][0]["names"] == sorted([machine.name("a:1"), machine.name("a:more")])
    after = snapshot(machine.home / "saved")
    assert {name for name in before if before[name] != after[name]} == {MANIFEST_FILE}


def test_a_name_that_moved_on_stays_until_it_is_asked_for(machine: Machine) -> None:
    one = machine.build("a:1", content=b"one")
    machine.run("backup", one, "-o", "saved")
    machine.forget(one)
    two = machine.build("a:1", "a:2", content=b"two")
    said = machine.run("restore", "saved", code=2)
    assert {one, two} <= set(digits(said))
    assert "--replace-tags" in said
    assert not machine.there(one)
    assert machine.engine.find_image_id(machine.name("a:1")) == two
    machine.run("restore", "saved", "--replace-tags")
    assert machine.names(one) == [machine.name("a:1")]
    assert machine.names(two) == [machine.name("a:2")]


def test_a_damaged_archive_reaches_no_engine(machine: Machine) -> None:
    one = machine.build("a:1", content=os.urandom(200_000))
    machine.run("backup", one, "-o", "saved")
    (archive,) = (machine.home / "saved").glob("*.tar.zst")
    data = archive.read_bytes()
    archive.write_bytes(data[:300_000] + b"damaged" + data[300_007:])
    assert "1 archive of 1 damaged" in machine.run("restore", "saved", "--check", code=1)
    machine.forget(one)
    machine.run("restore", "saved", code=1)
    assert not machine.there(one)


def test_an_archive_that_changes_after_the_check_leaves_the_engine_as_it_was(machine: Machine) -> None:
    """What the engine gets lacks its end, and it makes nothing of that."""
    one = machine.build("a:1", content=os.urandom(3_000_000))
    machine.run("backup", one, "-o", "saved")
    machine.forget(one)
    chosen = select_images(machine.home / "saved", [])
    checked = check_archives(chosen, SilentProgress())
    other = machine.build("b:1", content=os.urandom(3_000_000))
    machine.run("backup", other, "-o", "other")
    machine.forget(other)
    (good,), (bad,) = ((machine.home / name).glob("*.tar.zst") for name in ("saved", "other"))
    good.write_bytes(bad.read_bytes())
    with pytest.raises(BadImageArchiveError, match="was changed while it was loaded"):
        restore_images(machine.engine, chosen, checked, SilentProgress())
    assert not machine.there(one)
    assert not machine.there(other)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_backup_leaves_nothing_half(machine: Machine, number: signal.Signals) -> None:
    one, big = machine.build("a:1", content=b"one"), machine.build("b:1", content=os.urandom(40_000_000))
    machine.run("backup", one, "-o", "saved")
    whole = snapshot(machine.home / "saved")
    process = machine.start("backup", one, big, "-o", "saved")
    half, end = machine.home / "saved", time.monotonic() + 60
    while not list(half.glob(".*.part")):
        assert time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert snapshot(half) == whole


@pytest.mark.timeout(300)
def test_images_move_between_engines_that_name_them_in_different_ways(
    machine: Machine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """containerd's store knows an image by its manifest, the engine's own by its configuration."""
    home = tmp_path_factory.mktemp("containerd")
    (home / "daemon.json").write_text('{"features": {"containerd-snapshotter": true}}')
    with (
        second_engine(home, "--config-file", str(home / "daemon.json")) as address,
        connect_engine({**os.environ, "DOCKER_HOST": address}) as other,
    ):
        there = Machine(other, home, address)
        assert other.info.containerd_store
        made, here = there.build("a:1", "a:2", content=b"there"), machine.build("b:1", content=b"here")
        there.run("backup", made, "-o", "saved")
        there.forget(made)
        there.run("restore", "saved")
        assert there.names(made) == sorted([there.name("a:1"), there.name("a:2")])
        machine.run("backup", here, "-o", "saved")
        there.run("restore", str(machine.home / "saved"))
        moved = other.find_image_id(machine.name("b:1"))
        assert moved not in {None, here}
        assert there.runs(machine.name("b:1"))
        said = json.loads(machine.run("restore", str(home / "saved"), "--format", "json"))
        machine.made.add(said["images"][0]["id_here"])
        manifest = read_manifest(home / "saved")
        assert manifest is not None
        assert said["images"][0]["id_here"] == manifest.images[0].config != made
        assert machine.runs(there.name("a:2"))
