"""How long reading an image takes, against ``docker save IMAGE | cat > /dev/null`` of the same image in the same run.

Run it with the project's interpreter: ``python tests/bench/bench_inspect.py [IMAGE]``. It prints one line of JSON and
fails when the first look takes more than 1.6 times as long, needs 300 MB of memory, or the second look takes 0.5 s.
Both kinds alternate, so that a busy machine hits both; each look is a process of its own. Without IMAGE one is
generated: 700 MB in the mix of an Airflow image (libraries, bytecode, records), in five layers. Its bytes do not
compress well, and need not: engines keep layers unpacked.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import random
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import uuid
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT_RATIO = 1.6
LIMIT_MEGABYTES = 300
LIMIT_SECOND_SECONDS = 0.5
ROUNDS = 5
SMALL_FILES, LARGE_FILES, LAYERS = 38_000, 400, 5
TEST_LABEL = "optbuild.test"
READ = """
import os, resource, sys
from pathlib import Path
from builder.engine.quick import look
from builder.inspect.read import read_image
from builder.progress import SilentProgress
with look(os.environ) as engine:
    content = read_image(engine, sys.argv[1], Path(sys.argv[2]), SilentProgress())
print(sum(layer.bytes for layer in content.layers), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def files(numbers: random.Random, layer: int) -> Iterator[tuple[str, int]]:
    """Names and sizes: most are small, most bytes are in the large ones. As in a real one, every sixth name is so long
    (100 characters) that it takes a header of its own."""
    site = "home/airflow/.local/lib/python3.11/site-packages"
    for number in range(SMALL_FILES // LAYERS):
        package = f"{site}/package{layer}_{number // 150}"
        name = "m" * max(1, round(numbers.normalvariate(19, 15)))
        yield f"{package}/{name}{number}.py", int(numbers.lognormvariate(8.2, 1.1))
        if number % 150 == 0:
            yield f"{package}-1.0.dist-info/RECORD", 15_000
    for number in range(LARGE_FILES // LAYERS):
        yield f"{site}/package{layer}_{number}/library{number}.so", int(numbers.lognormvariate(13.6, 0.9))


def write_layer(target: Path, layer: int) -> str:
    """The diff ID."""
    numbers = random.Random(layer)  # noqa: S311 - the same image in every run
    noise = numbers.randbytes(16 << 20)
    with tarfile.open(target, "w") as archive:
        for name, size in files(numbers, layer):
            info = tarfile.TarInfo(name)
            info.size = min(size, len(noise) // 2)
            start = numbers.randrange(len(noise) - info.size)
            archive.addfile(info, io.BytesIO(noise[start : start + info.size]))
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


def read(image: str, cache: str) -> tuple[float, int, int]:
    """Seconds, bytes of the image, largest memory in kB."""
    started = time.perf_counter()
    done = subprocess.run((sys.executable, "-c", READ, image, cache), check=True, capture_output=True, text=True)
    total, memory = done.stdout.split()
    return time.perf_counter() - started, int(total), int(memory)


def measure(image: str) -> dict[str, float]:
    """Medians; the first round only warms up."""
    rounds = []
    for _ in range(ROUNDS + 1):
        with tempfile.TemporaryDirectory() as cache:
            saved = save(image)
            first, total, memory = read(image, cache)
            second = read(image, cache)[0]
        rounds.append((saved, first, first / saved, second, memory / 1024, total / 1e6))
    names = ("save_seconds", "first_seconds", "ratio", "second_seconds", "memory_mb", "image_mb")
    columns = zip(*rounds[1:], strict=True)
    return {name: round(statistics.median(column), 3) for name, column in zip(names, columns, strict=True)}


def main(given: list[str]) -> int:
    with contextlib.nullcontext(given[0]) if given else generated_image() as image:
        found = measure(image)
    sys.stdout.write(json.dumps(found) + "\n")
    good = found["ratio"] <= LIMIT_RATIO and found["memory_mb"] < LIMIT_MEGABYTES
    return 0 if good and found["second_seconds"] < LIMIT_SECOND_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
