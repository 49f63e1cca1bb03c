"""`optbuild diff` of two small real images that differ in a layer, a file and the version of a package."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.process import Command, LocalRunner, ProcessResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).parents[3]
SITE = "/venv/lib/python3.11/site-packages"
BASE = {"/etc/motd": b"hello\n", "/bin/tool": b"#!" * 5000}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., ProcessResult]:
    """The command line with a cache of its own."""
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}

    def optbuild(*words: str) -> ProcessResult:
        argv = (sys.executable, "-c", "from builder.cli.main import main; main()", *words)
        return LocalRunner().run(Command(argv, cwd=ROOT, env=env, timeout=300))

    return optbuild


def numpy(version: str, size: int) -> Mapping[str, bytes]:
    info = f"{SITE}/numpy-{version}.dist-info"
    record = f"numpy/core.so,,\nnumpy-{version}.dist-info/METADATA,,\nnumpy-{version}.dist-info/RECORD,,\n"
    return {
        f"{SITE}/numpy/core.so": b"x" * size,
        f"{SITE}/numpy/__init__.py": b"import core\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: numpy\nVersion: {version}\n".encode(),
        f"{info}/RECORD": record.encode(),
    }


@pytest.fixture(scope="module")
def images(built: Callable[..., str]) -> tuple[str, str]:
    before = built(BASE, numpy("1.0", 40_000), {"/dags/one.py": b"1\n"})
    after = built(BASE, numpy("2.0", 50_000), {"/dags/one.py": b"2\n"}, {"/opt/new": b"n" * 700})
    return before, after


def test_layer_file_and_version(run: Callable[..., ProcessResult], images: tuple[str, str]) -> None:
    done = run("diff", *images, "--format", "json")
    assert done.ok, done.err
    found: dict[str, Any] = json.loads(done.out)
    assert found["shared"] == {"layers": 1, "bytes": 10_006}
    assert [(row["change"], row["growth"]) for row in found["layers"]] == [
        ("changed", 10_000),
        ("changed", 0),
        ("added", 700),
    ]
    (package,) = found["packages"]
    assert (package["name"], package["before"]["version"], package["after"]["version"]) == ("numpy", "1.0", "2.0")
    files = {row["path"]: row["change"] for row in found["files"]}
    assert files[f"{SITE}/numpy/core.so"] == "changed"
    assert files["/dags/one.py"] == "changed"
    assert files["/opt/new"] == "added"
    assert f"{SITE}/numpy/__init__.py" not in files


def test_the_figures_add_up_to_what_docker_shows(run: Callable[..., ProcessResult], images: tuple[str, str]) -> None:
    found: dict[str, Any] = json.loads(run("diff", *images, "--format", "json").out)
    sizes = []
    for image in images:
        done = LocalRunner().run(Command(("docker", "image", "inspect", "--format={{.Size}}", image), timeout=60))
        sizes.append(int(done.out))
    assert [found["before"]["bytes"], found["after"]["bytes"]] == sizes
    grown = sizes[1] - sizes[0]
    assert found["growth"]["bytes"] == grown == sum(row["growth"] for row in found["layers"])
    assert sum(row["growth"] for row in found["files"]) == found["growth"]["visible_bytes"] == grown
    assert sum(row["growth"] for row in found["packages"]) + found["growth"]["no_package_bytes"] == grown


def test_a_saved_image_is_the_image(run: Callable[..., ProcessResult], images: tuple[str, str], tmp_path: Path) -> None:
    archive = str(tmp_path / "before.tar")
    assert LocalRunner().run(Command(("docker", "save", "-o", archive, images[0]), timeout=60)).ok
    same = run("diff", archive, images[0], "--format", "markdown", "--max-growth", "0B")
    assert (same.code, same.out) == (0, "")
    other = run("diff", archive, images[1], "--format", "markdown", "--max-growth", "10kB")
    assert other.code == 1
    assert "| `numpy` (python) | `1.0` | `2.0` | +10 kB |" in other.out


def test_an_image_that_is_not_there(run: Callable[..., ProcessResult], images: tuple[str, str]) -> None:
    done = run("diff", images[0], "optbuild-test-inspect:none")
    assert done.code == 2
    assert "has no image optbuild-test-inspect:none" in done.err


def test_the_projects_image_is_what_its_lock_says(
    run: Callable[..., ProcessResult], image: str, airflow_folder: Path
) -> None:
    done = run("diff", image, str(airflow_folder))
    assert done.ok, f"{done.out}\n{done.err}"
    assert "the image has exactly these" in done.out
    assert run("diff", image, str(airflow_folder), "--format", "markdown").out == ""


def test_a_small_image_is_not_what_the_lock_says(
    run: Callable[..., ProcessResult], images: tuple[str, str], airflow_folder: Path
) -> None:
    done = run("diff", images[0], str(airflow_folder), "--format", "json")
    assert done.code == 1
    rows = {(row["kind"], row["name"]): row["standing"] for row in json.loads(done.out)["differences"]}
    assert rows["python", "numpy"] == "other version"
    assert rows["python", "apache-airflow"] == "missing"
    assert rows["debian", "libc6"] == "missing"
