"""SIGKILL to the real process at every step of a backup: what the folder names is whole, and the next run completes."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import pytest
from backup_images import Machine, snapshot

from builder.core.progress import SilentProgress
from builder.store.manifest import MANIFEST_FILE, read_manifest
from builder.store.restore import RestoreSelection, check_archives

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.engine.client import Engine

EVERY = 5
"""`make test` takes one of so many points, `make soak` all."""


@pytest.fixture(scope="module")
def saved(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, orphans_removed: object
) -> Iterator[tuple[Machine, list[str]]]:
    """Two images that share a layer."""
    machine = Machine(engine, tmp_path_factory.mktemp("kill"))
    try:
        yield machine, [machine.build(f"{name}:1", f"{name}:2", content=name.encode() * 9) for name in ("a", "b")]
    finally:
        machine.remove()


def whole(folder: Path) -> list[str]:
    """IDs of all that the manifest names, after every byte of it was read."""
    manifest = read_manifest(folder)
    images = () if manifest is None else manifest.images
    checked = check_archives(RestoreSelection(folder, images, {}), SilentProgress())
    assert [one.why for one in checked] == [""] * len(images)
    return [one.image.id for one in checked]


def damage(folder: Path) -> None:
    """The first archive lost its end: the run has to put another in its place."""
    archive = next(iter(sorted(folder.glob("*.tar.zst"))))
    archive.write_bytes(archive.read_bytes()[:-1000])


@pytest.mark.parametrize("begin", ["empty", "damaged"])
def test_a_kill_at_some_steps(
    saved: tuple[Machine, list[str]], tmp_path: Path, begin: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kill_at_each(saved, tmp_path, begin, range(2, 10_000, EVERY), capsys)


@pytest.mark.soak
@pytest.mark.parametrize("begin", ["empty", "damaged"])
def test_a_kill_at_every_step(
    saved: tuple[Machine, list[str]], tmp_path: Path, begin: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kill_at_each(saved, tmp_path, begin, range(1, 10_000), capsys)


def kill_at_each(
    saved: tuple[Machine, list[str]], tmp_path: Path, begin: str, numbers: range, capsys: pytest.CaptureFixture[str]
) -> None:
    machine, images = saved
    folder, log = tmp_path / "saved", tmp_path / "log"
    tried = 0
    for number in (0, *numbers):
        for path in folder.glob("*") if folder.is_dir() else ():
            path.unlink()
        if begin == "damaged":
            machine.run("backup", *images, "-o", str(folder))
            damage(folder)
        log.unlink(missing_ok=True)
        if machine.kill_at(number, log, "backup", *images, "-o", str(folder)) == 0 and number:
            break
        steps = log.read_text().splitlines()
        where = f"killed at {number}: {steps[-1]}"
        tried += bool(number)
        if begin == "empty" or number == 0:
            assert set(whole(folder)) <= set(images), where
        machine.run("backup", *images, "-o", str(folder))
        assert sorted(whole(folder)) == sorted(images), where
        assert len(snapshot(folder)) == 3, where
        assert MANIFEST_FILE in snapshot(folder), where
    assert tried > 3
    with capsys.disabled():
        sys.stdout.write(f"\n{tried} kill points of a backup into a folder that is {begin}\n")


def test_the_killer_kills(saved: tuple[Machine, list[str]], tmp_path: Path) -> None:
    machine, images = saved
    code = machine.kill_at(3, tmp_path / "log", "backup", images[0], "-o", str(tmp_path / "saved"))
    assert code == -signal.SIGKILL
    assert [path.suffix for path in (tmp_path / "saved").glob(".*.part")] == [".part"]
