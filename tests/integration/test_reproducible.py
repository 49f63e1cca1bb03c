"""Two engines with build caches of their own, two folders, two umasks: one image ID.

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
from fresh_engine import second_engine

from builder.image.base.make import TARS, hash_base_inputs
from builder.image.lock.document import read_lock
from builder.image.render.context import render_context
from builder.image.spec.reader import read_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPILED = re.compile(r"workers had to compile (\d+) modules of their own")


def build(image: Path, umask: int, environment: dict[str, str], cache: Path) -> tuple[str, list[int]]:
    """The image ID that ``optbuild build`` reports; of each stage that ran, the modules that its workers compiled."""
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
    return str(json.loads(done.stdout)["image_id"]), [int(count) for count in COMPILED.findall(done.stderr)]


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
    for tar in TARS:
        shutil.copyfile(fresh_base / tar, entry / tar)


@pytest.mark.timeout(1500)
def test_one_image_id_from_two_engines(
    fresh_base: Path, airflow_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    one, two, engine = (tmp_path_factory.mktemp(name) for name in ("one", "two-other", "engine"))
    give_base(fresh_base, airflow_folder, one)
    with second_engine(engine) as address, ThreadPoolExecutor(2) as side_by_side:
        builds = (
            side_by_side.submit(build, airflow_folder, 0o022, {}, one),
            side_by_side.submit(build, airflow_folder, 0o077, {"DOCKER_HOST": address}, two),
        )
        (first, _), (second, compiled) = (running.result() for running in builds)
        assert len(list((two / "cache/optbuild/base").glob("*/base.tar"))) == 1, "the second base was made anew"
        assert set(compiled) == {0}, "on the empty engine every stage ran, and no worker compiled the standard library"
        if first != second:
            here = describe_image(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"), first, one)
            there = describe_image(address, second, two)
            names = [name for name in here | there if here.get(name) != there.get(name)]
            pytest.fail("\n".join(f"{name}: {here.get(name)} / {there.get(name)}" for name in names[:60]))
