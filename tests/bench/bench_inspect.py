"""How long `optbuild inspect` takes as a process, against ``docker save IMAGE | cat > /dev/null`` in the same run.

Run it with the project's interpreter: ``python tests/bench/bench_inspect.py [IMAGE]...``. It prints one line of JSON
for each image and fails when the first look takes more than 1.6 times as long, needs 300 MB of memory, or the second
look, which finds every layer in the cache, takes more than 4 times as long as :mod:`reference_start`. All alternate, so
that a busy machine hits each. Without IMAGE one is generated: 700 MB in the mix of an Airflow image (libraries,
sources, records, and outside of the packages a project's own files), in five layers; its bytes do not compress well,
and need not: engines keep layers unpacked. What stands for sources is text, because texts are searched for secrets. The
project's own image follows where it is there. Python keeps its bytecode in a folder of this run: an installed program
has it, whatever this shell says.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import uuid
from pathlib import Path
from typing import IO, TYPE_CHECKING

from reference_start import make_environment, measure_start

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT_RATIO = 1.6
LIMIT_MEGABYTES = 300
MOST_STARTS = 4.0
ROUNDS = 5
SMALL_FILES, LARGE_FILES, LAYERS = 38_000, 400, 5
OWN_FILE = 50
"""Every so many small files, one is the project's own."""
TEST_LABEL = "optbuild.test"
OWN_IMAGE = "ml-pipeline-airflow:latest"
OPTBUILD = (sys.executable, "-c", "from builder.cli.main import main; main()")


def files(numbers: random.Random, layer: int) -> Iterator[tuple[str, int]]:
    """Names and sizes: most are small, most bytes are in the large ones. As in a real one, every sixth name is so long
    (100 characters) that it takes a header of its own."""
    site = "home/airflow/.local/lib/python3.11/site-packages"
    for number in range(SMALL_FILES // LAYERS):
        package = f"{site}/package{layer}_{number // 150}"
        name = "m" * max(1, round(numbers.normalvariate(19, 15)))
        folder = f"opt/airflow/dags/part{layer}" if number % OWN_FILE == 0 else package
        yield f"{folder}/{name}{number}.py", int(numbers.lognormvariate(8.2, 1.1))
        if number % 150 == 0:
            yield f"{package}-1.0.dist-info/RECORD", 15_000
    for number in range(LARGE_FILES // LAYERS):
        yield f"{site}/package{layer}_{number}/library{number}.so", int(numbers.lognormvariate(13.6, 0.9))


def write_layer(target: Path, layer: int) -> str:
    """The diff ID."""
    numbers = random.Random(layer)  # noqa: S311 - the same image in every run
    noise = numbers.randbytes(16 << 20)
    text = base64.b64encode(noise)
    with tarfile.open(target, "w") as archive:
        for name, size in files(numbers, layer):
            info = tarfile.TarInfo(name)
            source = noise if name.endswith(".so") else text
            info.size = min(size, len(source) // 2)
            start = numbers.randrange(len(source) - info.size)
            archive.addfile(info, io.BytesIO(source[start : start + info.size]))
    with target.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def add(archive: tarfile.TarFile, name: str, size: int, stream: IO[bytes]) -> None:
    info = tarfile.TarInfo(name)
    info.size = size
    archive.addfile(info, stream)


def generate(folder: Path, reference: str) -> Path:
    """An archive for ``docker load``."""
    paths = [folder / f"layer{number}.tar" for number in range(LAYERS)]
    diffs = [write_layer(path, number) for number, path in enumerate(paths)]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": {TEST_LABEL: f"{os.getpid()}-bench"}},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff}" for diff in diffs]},
        "history": [{"created_by": f"COPY part{number} /"} for number in range(LAYERS)],
    }
    manifest = [{"Config": "config.json", "RepoTags": [reference], "Layers": [path.name for path in paths]}]
    whole = folder / "image.tar"
    with tarfile.open(whole, "w") as archive:
        for path in paths:
            with path.open("rb") as stream:
                add(archive, path.name, path.stat().st_size, stream)
            path.unlink()
        for name, document in (("config.json", config), ("manifest.json", manifest)):
            data = json.dumps(document).encode()
            add(archive, name, len(data), io.BytesIO(data))
    return whole


@contextlib.contextmanager
def generated_image() -> Iterator[str]:
    reference = f"optbuild-bench-{uuid.uuid4().hex[:10]}:latest"
    try:
        with tempfile.TemporaryDirectory() as name:
            archive = generate(Path(name), reference)
            subprocess.run(("docker", "load", "--quiet", "--input", archive), check=True, stdout=subprocess.DEVNULL)
        yield reference
    finally:
        subprocess.run(("docker", "rmi", reference), check=False, stdout=subprocess.DEVNULL)


def save(image: str) -> float:
    """``docker save IMAGE | cat > /dev/null``."""
    started = time.perf_counter()
    with subprocess.Popen(("docker", "save", image), stdout=subprocess.PIPE) as saving:
        subprocess.run("cat", stdin=saving.stdout, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def inspect(image: str, folder: Path) -> tuple[float, int]:
    """Seconds, and the largest memory in kB, of one process whose caches are in ``folder``."""
    env = make_environment(folder.parent / "bytecode", folder)
    argv = (*OPTBUILD, "--quiet", "inspect", image)
    started = time.perf_counter()
    process = subprocess.Popen(argv, cwd=folder, env=env, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"optbuild inspect {image} failed with {process.returncode}")
    return seconds, usage.ru_maxrss


def measure(image: str, folder: Path) -> dict[str, float | str]:
    """Medians of seconds; the ratio is the median of the rounds' ratios. The first round only warms up."""
    rounds = []
    for number in range(ROUNDS + 1):
        cache = folder / f"cache{number}"
        cache.mkdir()
        saved = save(image)
        first, memory = inspect(image, cache)
        start = measure_start(folder / "bytecode")
        second = inspect(image, cache)[0]
        rounds.append((saved, first, first / saved, second, second / start, memory / 1024))
    names = ("save_seconds", "first_seconds", "ratio", "second_seconds", "second_starts", "memory_mb")
    columns = zip(*rounds[1:], strict=True)
    found = {name: round(statistics.median(column), 3) for name, column in zip(names, columns, strict=True)}
    return {"image": re.sub(r"optbuild-bench-.*", "generated", image), **found}


def good(image: str) -> bool:
    with tempfile.TemporaryDirectory() as name:
        found = measure(image, Path(name))
    sys.stdout.write(json.dumps(found) + "\n")
    ratio, memory, second = (float(found[name]) for name in ("ratio", "memory_mb", "second_starts"))
    return ratio <= LIMIT_RATIO and memory < LIMIT_MEGABYTES and second <= MOST_STARTS


def main(given: list[str]) -> int:
    if given:
        return 0 if all([good(image) for image in given]) else 1  # noqa: C419 - each is to be measured
    with generated_image() as image:
        fine = good(image)
    asked = subprocess.run(("docker", "image", "inspect", OWN_IMAGE), check=False, capture_output=True)
    return 0 if (asked.returncode != 0 or good(OWN_IMAGE)) and fine else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
