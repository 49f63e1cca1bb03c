"""The layers of real images: their union is the one layer, and equal members give the same layer in another project."""

from __future__ import annotations

import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest
from small_image import build_layers, select

from builder.core.naming import MOST_LAYERS
from builder.image.lock.document import read_lock
from builder.image.spec.reader import read_spec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from small_image import Entry, ImageLayer

    from builder.image.lock.model import Lock

pytestmark = pytest.mark.timeout(1500)
ONE = ("cron-descriptor", "markupsafe", "psycopg2-binary", "seaborn", "six")
"""A source, a plain and a native wheel, one with bundled libraries."""
OTHER = ("click", "psycopg2-binary", "pytz", "seaborn", "six")
SHARED = ("psycopg2-binary", "psycopg2-binary.libs", "seaborn")
"""Layers with equal members in both."""


def build(folder: Path, airflow_folder: Path, name: str, lock: Lock) -> tuple[ImageLayer, ...]:
    spec = read_spec(airflow_folder)
    return build_layers(folder, spec.model_copy(update={"image": spec.image.model_copy(update={"name": name})}), lock)


@pytest.fixture(scope="module")
def builds(
    airflow_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[ImageLayer, ...]]]:
    lock = read_lock(airflow_folder / "optbuild.lock")
    wanted = {
        "layered": select(lock, ONE, MOST_LAYERS),
        "whole": select(lock, ONE, 1),
        "other": select(lock, OTHER, MOST_LAYERS),
    }
    names = {key: f"optbuild-test-layers-{key}" for key in wanted}
    try:
        yield {
            key: build(tmp_path_factory.mktemp(key), airflow_folder, names[key], chosen)
            for key, chosen in wanted.items()
        }
    finally:
        subprocess.run(["docker", "rmi", "--no-prune", *names.values()], check=False, capture_output=True)


def find_packages(layers: tuple[ImageLayer, ...]) -> dict[str, ImageLayer]:
    """Those of Python packages, by name."""
    prefix, suffix = "COPY /out/", "/ /"
    return {
        layer.instruction.removeprefix(prefix).removesuffix(suffix): layer
        for layer in layers
        if layer.instruction.startswith(prefix) and layer.instruction != "COPY /out/ /"
    }


def test_the_layers_lie_as_planned(builds: dict[str, tuple[ImageLayer, ...]]) -> None:
    planned = ["core-2", "core-0", "core-1", "psycopg2-binary.libs", "seaborn", "psycopg2-binary"]
    assert sorted(find_packages(builds["layered"])) == sorted(planned)
    assert [*find_packages(builds["whole"])] == ["python"]


def test_their_union_is_the_one_layer(builds: dict[str, tuple[ImageLayer, ...]]) -> None:
    """Entry by entry: type, mode, owner, size, link and content; each folder's time too."""
    union: dict[str, tuple[Entry, int]] = {}
    for layer in find_packages(builds["layered"]).values():
        union |= layer.entries
    whole = find_packages(builds["whole"])["python"].entries
    assert {path: entry for path, (entry, _) in union.items()} == {path: entry for path, (entry, _) in whole.items()}
    folders = {path for path, (entry, _) in whole.items() if entry.kind == tarfile.DIRTYPE}
    assert {path: union[path][1] for path in folders} == {path: whole[path][1] for path in folders}
    assert len(whole) > 250


def test_every_file_bears_the_time_of_its_layer(builds: dict[str, tuple[ImageLayer, ...]]) -> None:
    times = {
        name: {time for entry, time in layer.entries.values() if entry.kind != tarfile.DIRTYPE}
        for name, layer in find_packages(builds["layered"]).items()
    }
    assert all(len(found) == 1 for found in times.values()), times
    assert times["seaborn"] != times["psycopg2-binary"]


def test_a_folder_is_the_same_in_every_layer(builds: dict[str, tuple[ImageLayer, ...]]) -> None:
    """The upper layer's entry counts, and which one that is must not matter."""
    base, *others = builds["layered"]
    found: dict[str, set[tuple[Entry, int]]] = {}
    for layer in others:
        for path, (entry, time) in layer.entries.items():
            if entry.kind == tarfile.DIRTYPE:
                found.setdefault(path, set()).add((entry, time))
    assert {path: variants for path, variants in found.items() if len(variants) > 1} == {}
    assert "home/airflow/.local/lib/python3.11/site-packages" in found
    assert "home" in base.entries


def test_no_file_is_in_two_layers(builds: dict[str, tuple[ImageLayer, ...]]) -> None:
    """Of ours: the skeleton of the environment is in one, and every file of a package."""
    _, *ours = builds["layered"]
    paths = [path for layer in ours for path, (entry, _) in layer.entries.items() if entry.kind != tarfile.DIRTYPE]
    assert len(paths) == len({*paths})
    assert paths.count("home/airflow/.local/pyvenv.cfg") == 1


def test_equal_members_give_the_same_layer_in_another_project(builds: dict[str, tuple[ImageLayer, ...]]) -> None:
    one, other = find_packages(builds["layered"]), find_packages(builds["other"])
    assert {name: one[name].diff_id for name in SHARED} == {name: other[name].diff_id for name in SHARED}
    assert [layer.diff_id for layer in builds["layered"][:3]] == [layer.diff_id for layer in builds["other"][:3]]
    assert {*one} != {*other}
