"""A base image in a real registry: what the lock records of it, a tag that moves, a registry that fails, refusals."""

from __future__ import annotations

import json
import os
import time
import uuid
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from note_progress import NoteProgress
from plain_images import ALPINE, ARM, DISTROLESS, NO_PYTHON, OTHER_PYTHON, SECRET, WINDOWS, read_manifest
from runtime_factory import make_runtime
from stand_ins import COMPANY, PYTHON_311, run

from builder.core.errors import BaseRefusedError, BaseUnreachableError, DiskFullError
from builder.core.process import LocalRunner
from builder.engine.client import Engine
from builder.foundation.download import ASKED_BELOW, NEEDED_FACTOR, query_download_bytes
from builder.image.spec.reader import read_spec
from builder.operations.base_image import read_base_image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from faulty_proxy import FaultyProxy
    from plain_images import PlainImage
    from stand_in_registry import StandInRegistry

    from builder.core.runtime import Runtime
    from builder.image.lock.foundation import ReadFoundation
    from builder.image.lock.model import Lock

SITE = "/usr/local/lib/python3.11/site-packages"


class Reader:
    """Reads the base of a spec in ``folder`` as `optbuild lock` does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.progress = NoteProgress()
        env = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "XDG_STATE_HOME": str(folder / "state")}
        self.runtime: Runtime = make_runtime(folder, env, runner=LocalRunner(), progress=self.progress)

    def read(
        self, reference: str, previous: Lock | None = None, *, refresh: bool = False, platform: str = "linux/amd64"
    ) -> ReadFoundation:
        lines = ["[image]", 'name = "a"', "[base]", f'image = "{reference}"', "[airflow]", 'version = "2.8.1"']
        (self.folder / "optbuild.toml").write_text("\n".join([*lines, "[python]", 'version = "3.11"', ""]))
        found = read_base_image(self.runtime, read_spec(self.folder), previous, platform, refresh=refresh)
        assert found is not None
        return found


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """With room on the engine's disk: with little, the registry is asked for the bytes before each pull."""
    monkeypatch.setattr(Engine, "measure_free_bytes", lambda _self: ASKED_BELOW)
    return Reader(tmp_path)


@contextmanager
def forgotten(*names: str) -> Iterator[None]:
    """The engine has none of these names afterwards."""
    try:
        yield
    finally:
        for name in names:
            run(("sh", "-c", f"docker image inspect {name} >/dev/null 2>&1 && docker rmi {name} || true"))


def test_what_is_recorded_of_a_python(stand_ins: StandInRegistry, python_311: str, reader: Reader) -> None:
    """Pulled, because the engine forgot the name; nothing was started."""
    started = time.time()
    with forgotten(python_311):  # another test may have pulled it
        pass
    read = reader.read(python_311)
    found = read.foundation
    assert f"pull {python_311}" in reader.progress.tasks
    assert found.digest == stand_ins.read_digest("stand-in/python", "3.11-slim-bookworm")
    assert (found.debian, found.glibc, found.python) == ("bookworm", "2.36", "3.11.2")
    assert (found.python_path, found.user, found.contract) == ("/usr/local/bin/python3.11", "", "")
    assert [one.folder for one in found.distributions if one.name == "pip"] == [SITE]
    assert {"libc6", "dpkg", "perl-base"} <= {one.name for one in found.packages}
    assert "Package: libc6\n" in read.status
    inside = run(("docker", "image", "inspect", '--format={{join .RootFS.Layers " "}}', python_311)).split()
    assert found.layers == tuple(inside)
    identity = run(("docker", "image", "inspect", "--format={{.Id}}", python_311)).strip()
    assert list_created((python_311, found.pinned_reference, identity), started) == []


def list_created(names: tuple[str, ...], since: float) -> list[str]:
    """The containers that were made since then of an image by one of its names: other tests make others meanwhile."""
    images = (f"--filter=image={name}" for name in names)
    filters = ("--filter=type=container", "--filter=event=create", *images)
    times = (f"--since={since:.3f}", f"--until={time.time():.3f}")
    return run(("docker", "events", *times, *filters, "--format={{.ID}}")).split()


def test_a_disk_that_an_image_does_not_fit_on_is_said_before_the_pull(
    stand_ins: StandInRegistry, python_311: str, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registry says the bytes. With one less than is needed nothing is pulled."""
    manifest = json.loads(read_manifest(stand_ins.address, "stand-in/python", "3.11-slim-bookworm"))
    size = sum(layer["size"] for layer in manifest["layers"])
    assert query_download_bytes(reader.runtime, python_311, "linux/amd64") == size > 0
    with forgotten(python_311):  # another test may have pulled it
        pass
    needed = int(size * NEEDED_FACTOR)
    monkeypatch.setattr(Engine, "measure_free_bytes", lambda _self: needed - 1)
    with pytest.raises(DiskFullError, match=f"{size / 1e6:,.0f} MB compressed"):
        reader.read(python_311)
    assert reader.progress.tasks == []
    monkeypatch.setattr(Engine, "measure_free_bytes", lambda _self: needed)
    assert reader.read(python_311).foundation.python == "3.11.2"
    assert f"pull {python_311}" in reader.progress.tasks


def test_what_is_recorded_of_a_company(company: str, reader: Reader) -> None:
    """Debian's own interpreter, a user, a shell and an entrypoint."""
    found = reader.read(company).foundation
    assert (found.python, found.python_path) == ("3.11.2", "/usr/bin/python3.11")
    assert (found.user, found.working_folder, found.entrypoint[0]) == ("service", "/srv/app", "/usr/bin/env")
    assert found.shell == ("/bin/bash", "-o", "pipefail", "-c")


def test_a_tag_that_moves_changes_nothing_until_it_is_asked_for(stand_ins: StandInRegistry, reader: Reader) -> None:
    """Nor when the engine has lost the image: it is pulled by its digest."""
    reference = stand_ins.publish(PYTHON_311, "stand-in/moving", "1")
    first = reader.read(reference).foundation
    stand_ins.publish(COMPANY, "stand-in/moving", "1")
    before: Any = SimpleNamespace(foundation=first)
    name = f"{stand_ins.address}/stand-in/moving@{first.digest}"
    assert reader.read(reference, before).foundation == first
    run(("docker", "rmi", name))
    assert reader.read(reference, before).foundation == first
    assert f"pull {name}" in reader.progress.tasks
    moved = reader.read(reference, before, refresh=True).foundation
    assert moved.digest == stand_ins.read_digest("stand-in/moving", "1") != first.digest
    assert reader.progress.notes == [f"the tag moved: {reference} was {first.digest}, and is {moved.digest} now"]


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        (ALPINE, "is Alpine Linux v3.20"),
        (DISTROLESS, "without dpkg (distroless)"),
        (OTHER_PYTHON, "without dpkg"),
        (NO_PYTHON, "without dpkg"),
        (ARM, "linux/arm64"),
        (WINDOWS, "windows"),
        (SECRET, "its variable DB_PASSWORD that looks like a secret"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_cannot_be_a_base_is_refused(
    stand_ins: StandInRegistry, reader: Reader, plain: PlainImage, words: str
) -> None:
    reference = stand_ins.publish_plain(plain)
    with forgotten(reference), pytest.raises(BaseRefusedError) as caught:
        reader.read(reference)
    assert words.lower() in str(caught.value).lower()
    assert caught.value.hint
    assert caught.value.where is not None
    assert caught.value.where.line == 4
    assert "hunter2" not in str(caught.value)


def test_a_registry_that_fails_is_asked_again(stand_ins: StandInRegistry, faulty: FaultyProxy, reader: Reader) -> None:
    """Two faults fail a `docker pull` (HEAD, then GET); what it finds at last is refused for what it is."""
    stand_ins.publish_plain(ALPINE)
    reference = f"{faulty.address}/{ALPINE.repository}:latest"
    faulty.fail_next(503, 503, 429, 429, matching="/manifests/")
    with forgotten(reference), pytest.raises(BaseRefusedError, match="Alpine"):
        reader.read(reference)
    assert faulty.failed == 4
    assert [note[:14] for note in reader.progress.notes] == ["attempt 1 of 5", "attempt 2 of 5"]


def test_a_registry_that_does_not_say_the_bytes_is_pulled_from(
    stand_ins: StandInRegistry, faulty: FaultyProxy, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the disk has little room: what the pull itself meets is what the user reads."""
    stand_ins.publish_plain(ALPINE)
    reference = f"{faulty.address}/{ALPINE.repository}:latest"
    monkeypatch.setattr(Engine, "measure_free_bytes", lambda _self: ASKED_BELOW - 1)
    faulty.fail_next(503, 503, matching="/manifests/")
    with forgotten(reference), pytest.raises(BaseRefusedError, match="Alpine"):
        reader.read(reference)
    assert [fault for _, path, fault in faulty.requests if "/manifests/" in path][:3] == [503, 503, None]
    assert f"pull {reference}" in reader.progress.tasks
    assert not reader.progress.notes


def test_bytes_that_are_not_those_of_their_digest_are_asked_for_once(
    stand_ins: StandInRegistry, faulty: FaultyProxy, reader: Reader
) -> None:
    """Whoever lies about them would lie again; and nothing of it is kept. An image that no engine has had: of one whose
    configuration it has, which a killed run may leave, it would ask for no blob."""
    stand_ins.publish_plain(replace(ALPINE, configuration={"Labels": {"run": uuid.uuid4().hex}}))
    reference = f"{faulty.address}/{ALPINE.repository}:latest"
    faulty.fail_next("lie", "lie", "lie", "lie", matching="/blobs/")
    with forgotten(reference), pytest.raises(BaseUnreachableError) as caught:
        reader.read(reference)
    assert "the bytes are not those of the digest" in (caught.value.hint or ""), caught.value
    assert faulty.failed
    assert not reader.progress.notes
    assert run(("docker", "images", "--quiet", f"{faulty.address}/{ALPINE.repository}")) == ""


def test_what_the_registry_does_not_have_is_asked_for_once(stand_ins: StandInRegistry, reader: Reader) -> None:
    with pytest.raises(BaseUnreachableError) as caught:
        reader.read(f"{stand_ins.address}/stand-in/python:none")
    assert "spelt as the registry has it" in (caught.value.hint or "")
    assert not reader.progress.notes
