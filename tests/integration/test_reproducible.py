"""Two engines with build caches of their own, two folders, two umasks, one processor and all of them: one image ID.

`--no-cache` on one engine would pass falsely (BuildKit hides the wall clock of some steps in its cache), so the second
build runs on a second dockerd with an empty data root, which also makes the Debian base anew; the first one's was made
by this run too, in another folder. Each waits for the network now and then: they run side by side.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fresh_engine import bridge, second_engine, start_engine
from note_progress import NoteProgress
from runtime_factory import make_runtime

from builder.core.process import LocalRunner
from builder.engine.buildx import BuildOptions
from builder.engine.client import connect_engine
from builder.image.base.make import hash_base_inputs
from builder.image.base.recipes import find_recipe
from builder.image.build import build as build_stage
from builder.image.build.build import build_candidate
from builder.image.build.model import BuildJob
from builder.image.build.preflight import DiskEstimate
from builder.image.lock.document import read_lock
from builder.image.render.context import render_context
from builder.image.render.model import CONTENT_PLACEHOLDER, BuildContext, ContextFile
from builder.image.spec.reader import read_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.engine.client import Engine

COMPILED = re.compile(r"optbuild-compiled (.+)")
FINISHED = re.compile(r"^ +(\d+) distributions: ", re.MULTILINE)


def build(image: Path, umask: int, environment: dict[str, str], cache: Path) -> tuple[str, str]:
    """The image ID that ``optbuild build`` reports, and what all stages printed."""
    folder = cache / "image"
    shutil.copytree(image, folder)
    environment = {
        **os.environ,
        **environment,
        "XDG_CACHE_HOME": str(cache / "cache"),
        "XDG_STATE_HOME": str(cache / "state"),
    }
    words = ("build", str(folder), "--format", "json", "--progress", "plain")
    command = [str(Path(sys.executable).with_name("optbuild")), *words]
    done = subprocess.run(command, env=environment, umask=umask, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return str(json.loads(done.stdout)["image_id"]), done.stderr


def describe_image(address: str, image: str, folder: Path) -> dict[str, object]:
    """All that goes into the image's ID: each value of its configuration, and each layer's entries in their order."""
    archive = folder / "image.tar"
    subprocess.run(["docker", "--host", address, "save", "--output", archive, image], check=True)
    found: dict[str, object] = {}
    with tarfile.open(archive) as outer:
        manifest = json.load(outer.extractfile("manifest.json") or io.BytesIO())
        configuration = json.load(outer.extractfile(manifest[0]["Config"]) or io.BytesIO())
        found |= {f"configuration: {key}": value for key, value in flatten("", configuration)}
        for number, layer in enumerate(manifest[0]["Layers"]):
            with tarfile.open(fileobj=outer.extractfile(layer)) as inner:
                found |= {f"layer {number}: {name}": facts for name, facts in describe_entries(inner)}
    return found


def flatten(place: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict | list) and value:
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in pairs:
            yield from flatten(f"{place}/{key}", inner)
    else:
        yield place, value


def describe_entries(layer: tarfile.TarFile) -> Iterator[tuple[str, object]]:
    for place, member in enumerate(layer):
        data = layer.extractfile(member).read() if member.isreg() else b""  # type: ignore[union-attr]  # regular
        header = {key: value for key, value in member.get_info().items() if key != "name"} | dict(member.pax_headers)
        yield member.name, (place, header, hashlib.sha256(data).hexdigest())


def give_base(fresh_base: Path, airflow_folder: Path, cache: Path) -> None:
    """Put what base.sh made into an empty cache, where the build looks for it."""
    context = render_context(read_spec(airflow_folder), read_lock(airflow_folder / "optbuild.lock"))
    entry = cache / "cache/optbuild/base" / hash_base_inputs(context)
    entry.mkdir(parents=True)
    for tar in find_recipe(context).products:
        shutil.copyfile(fresh_base / tar, entry / tar)


@pytest.mark.timeout(1500)
def test_one_image_id_from_two_engines(
    fresh_base: Path, airflow_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    one, two, engine = (tmp_path_factory.mktemp(name) for name in ("one", "two-other", "engine"))
    give_base(fresh_base, airflow_folder, one)
    with second_engine(engine, one_processor=True) as address, ThreadPoolExecutor(2) as side_by_side:
        builds = (
            side_by_side.submit(build, airflow_folder, 0o022, {}, one),
            side_by_side.submit(build, airflow_folder, 0o077, {"DOCKER_HOST": address}, two),
        )
        (first, _), (second, printed) = (running.result() for running in builds)
        assert len(list((two / "cache/optbuild/base").glob("*/base.tar"))) == 1, "the second base was made anew"
        locked = len(read_lock(airflow_folder / "optbuild.lock").python)
        assert sum(map(int, FINISHED.findall(printed))) == locked, "on the empty engine every stage ran"
        assert not COMPILED.findall(printed), "no worker compiled the standard library"
        if first != second:
            here = describe_image(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"), first, one)
            there = describe_image(address, second, two)
            names = [name for name in here | there if here.get(name) != there.get(name)]
            pytest.fail("\n".join(f"{name}: {here.get(name)} / {there.get(name)}" for name in names[:60]))


EPOCH = 1_700_000_000
THREE_LAYERS = f"""\
FROM scratch
ADD base.tar /
ADD low.tar /
ADD top.tar /
LABEL optbuild.project="small" optbuild.content="{CONTENT_PLACEHOLDER}"
"""
NAMES = ("site/numpy/core", "site/numpy-1.24/RECORD", "site/numpy.libs/blas")
"""In the order of a walk; sorted by whole path, the folder comes last of the three."""


def pack(path: Path, content: str, *names: str) -> None:
    """A tar of small files, with the folders that they are in."""
    with tarfile.open(path, "w") as archive:
        for name in sorted({name.rpartition("/")[0] for name in names} | {name.partition("/")[0] for name in names}):
            member = tarfile.TarInfo(name)
            member.type, member.mode, member.mtime = tarfile.DIRTYPE, 0o755, EPOCH
            archive.addfile(member)
        for name in names:
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), EPOCH
            archive.addfile(member, io.BytesIO(content.encode()))


class SmallBuilds:
    """Builds of three layers, whose uppermost has a content of one's own in three folders."""

    def __init__(self, engine: Engine, home: Path, notes: NoteProgress) -> None:
        self.engine = engine
        self.home = home
        self.notes = notes
        self.environment = {**os.environ, "DOCKER_HOST": engine.endpoint.host}
        folders = {"XDG_CACHE_HOME": str(home / "cache"), "XDG_STATE_HOME": str(home / "state")}
        self.runtime = make_runtime(home, self.environment | folders, runner=LocalRunner(), progress=notes)

    def make_job(self, content: str) -> BuildJob:
        def prepare(_context: BuildContext, folder: Path) -> None:
            pack(folder / "base.tar", "base", "etc/base")
            pack(folder / "low.tar", "low", "etc/low")
            pack(folder / "top.tar", content, *NAMES)

        files = (ContextFile("Dockerfile", THREE_LAYERS.encode()), ContextFile("content", content.encode()))
        context = BuildContext(files, "linux/amd64", EPOCH)
        return BuildJob(self.runtime, context, "small", self.engine, BuildOptions(), prepare, DiskEstimate(10_000))

    def build(self, content: str) -> str:
        """The image's ID."""
        return build_candidate(self.make_job(content)).image_id

    def run_steps(self, content: str) -> None:
        """As a build does that fails at a later step: its layers are in the build cache, and of no image."""
        job, folder = self.make_job(content), self.home / "context"
        job.context.write(folder)
        job.prepare(job.context, folder)
        self.buildx("build", "--output=type=cacheonly", f"--build-arg=SOURCE_DATE_EPOCH={EPOCH}", str(folder))

    def prune(self) -> None:
        self.buildx("prune", "--all", "--force")

    def buildx(self, *words: str) -> None:
        subprocess.run(["docker", "buildx", *words], env=self.environment, check=True, capture_output=True)


def test_layers_below_that_come_from_another_build_do_not_change_the_id(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = NoteProgress()
    folders = [tmp_path_factory.mktemp(name) for name in ("engine", "sorting")]
    with (
        bridge() as network,
        start_engine(folders[0], network) as address,
        connect_engine({"DOCKER_HOST": address}) as engine,
    ):
        small = SmallBuilds(engine, tmp_path, notes)
        fresh = small.build("three")
        with (
            start_engine(folders[1], network, "--storage-driver", "vfs") as other,
            connect_engine({"DOCKER_HOST": other}) as sorting,
        ):
            assert not sorting.info.walks_layers
            assert SmallBuilds(sorting, tmp_path / "sorting", NoteProgress()).build("three") == fresh
        assert not has_read_order(notes), "a fresh engine walks each layer"
        engine.remove_reference(fresh)
        small.prune()
        small.build("one")
        small.prune()  # its image stays, and with it the folders of its layers
        small.run_steps("three")  # the upper one lies on new folders of the lower ones,
        small.build("two")  # which now become those of the image that stayed
        with monkeypatch.context() as without:
            without.setattr(build_stage, "put_layers_in_order", lambda _runtime, _engine, image, _name, **_more: image)
            wrong = small.build("three")
        assert wrong != fresh, "the engine did not write another order: this test shows nothing"
        notes.notes.clear()
        assert small.build("three") == fresh, "put right, though every layer came from the build cache"
        (said,) = [note for note in notes.notes if "put right" in note]
        assert "wrote 1 layer in another order" in said
        assert engine.find_image_id(wrong) is None
        notes.tasks.clear()
        assert small.build("three") == fresh
        assert not has_read_order(notes), "it is known now"


def has_read_order(notes: NoteProgress) -> bool:
    return any(label.startswith("reading the order") for label in notes.tasks)
