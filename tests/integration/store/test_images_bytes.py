"""Three images of one Dockerfile: the bytes of `optbuild images` are what the layers hold, read with `docker save`, and
what sharing one image would save is nearly nothing after one build, and two thirds after three builds apart."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
from tiny_images import TEST_LABEL, own_value, removed_afterwards

from builder.engine.layers import compute_chain_ids

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.engine.client import Engine

SERVICES = ("init", "scheduler", "webserver")
FIRST, SECOND = 3_000_000, 500_000
COMPOSE = "x-common: &x {build: .}\nservices: {init: *x, scheduler: *x, webserver: *x}\n"
DOCKERFILE = """\
FROM {base} AS make
USER root
RUN head -c {first} /dev/urandom > /first && head -c {second} /dev/urandom > /second
FROM scratch
LABEL {label}="{value}"
COPY --from=make /first /
COPY --from=make /second /folder/
COPY --from=make /second /folder/again
"""
MAIN = "from builder.cli.main import main; main()"


class Project:
    """A project folder, and what its images hold."""

    def __init__(self, engine: Engine, folder: Path, value: str) -> None:
        self.engine, self.folder, self.value = engine, folder, value
        self.name = f"three{value.rpartition('-')[2][:8]}"
        self.env = {key: text for key, text in os.environ.items() if not key.startswith("COMPOSE_")}
        self.env |= {"XDG_STATE_HOME": str(folder / "state"), "XDG_CACHE_HOME": str(folder / "cache")}

    def build(self, *words: str) -> None:
        argv = ("docker", "compose", "--project-name", self.name, "build", *words)
        subprocess.run(argv, cwd=self.folder, env=self.env, check=True, capture_output=True)

    def optbuild(self, *words: str) -> dict[str, Any]:
        done = subprocess.run(
            (sys.executable, "-c", MAIN, *words, "--format", "json"),
            cwd=self.folder,
            env=self.env,
            check=True,
            capture_output=True,
        )
        return dict(json.loads(done.stdout))

    def images(self) -> list[dict[str, Any]]:
        found = self.optbuild("images", "--filter", f"label={TEST_LABEL}={self.value}")["images"]
        return sorted(found, key=lambda one: str(one["names"]))

    def saved_by_sharing(self) -> int:
        (group,) = self.optbuild("plan", "--project-name", self.name, "--group", "init")["groups"]
        return int(group["bytes"]["now"]["real"] - group["bytes"]["then"]["real"])

    def layers(self, image: str) -> dict[str, int]:
        """Chain → the sum of the sizes of its regular files, from what `docker save` writes."""
        data = b"".join(self.engine.client.api.get_image(image))
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            (entry,) = json.loads(_file(archive, "manifest.json"))
            config = json.loads(_file(archive, entry["Config"]))
            sizes = [_regular_bytes(_file(archive, path)) for path in entry["Layers"]]
        return dict(zip(compute_chain_ids(config["rootfs"]["diff_ids"]), sizes, strict=True))


def _file(archive: tarfile.TarFile, name: str) -> bytes:
    stream = archive.extractfile(name)
    assert stream is not None
    return stream.read()


def _regular_bytes(layer: bytes) -> int:
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        return sum(member.size for member in archive if member.isreg())


@pytest.fixture
def project(engine: Engine, postgres_image: str, tmp_path: Path) -> Iterator[Project]:
    value = own_value()
    made = Project(engine, tmp_path, value)
    dockerfile = DOCKERFILE.format(base=postgres_image, first=FIRST, second=SECOND, label=TEST_LABEL, value=value)
    (tmp_path / "Dockerfile").write_text(dockerfile)
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    with removed_afterwards(engine, value):
        yield made


def held(project: Project) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The rows of the three images, each compared with its own layers; and all chains with their bytes."""
    rows = project.images()
    chains: dict[str, int] = {}
    assert [one["names"] for one in rows] == [[f"{project.name}-{name}:latest"] for name in SERVICES]
    for row in rows:
        layers = project.layers(row["id"])
        assert {one["chain"]: one["bytes"] for one in row["layers"]} == layers
        assert row["unpacked_bytes"] == sum(layers.values()) == FIRST + 2 * SECOND
        assert row["unpacked_bytes"] == row["unique_bytes"] + row["shared_bytes"]
        chains |= layers
    return rows, chains


def test_after_one_build_sharing_saves_nearly_nothing(project: Project) -> None:
    project.build()
    rows, chains = held(project)
    assert len({row["id"] for row in rows}) == 3, "three images"
    assert sum(chains.values()) == FIRST + 2 * SECOND, "and each byte once"
    assert [row["unique_bytes"] for row in rows] == [0, 0, 0]
    assert [row["frees_bytes"] for row in rows] == [0, 0, 0]
    assert project.saved_by_sharing() == 0


def test_after_builds_apart_sharing_saves_two_thirds(project: Project) -> None:
    for service in SERVICES:
        project.build("--no-cache", service)
    rows, chains = held(project)
    assert sum(chains.values()) == 3 * (FIRST + 2 * SECOND)
    assert [row["frees_bytes"] for row in rows] == [row["unpacked_bytes"] for row in rows]
    assert project.saved_by_sharing() == 2 * (FIRST + 2 * SECOND)
