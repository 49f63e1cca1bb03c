"""Small real images made from files, without a base, and removed again."""

from __future__ import annotations

import os
import uuid
import zlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest

from builder.core.process import Command, LocalRunner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEST_LABEL = "optbuild.test"
"""As in tests/integration/conftest.py, which removes what a killed run left."""
Files = Mapping[str, bytes]
Built = Callable[..., str]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, orphans_removed: object) -> Iterator[Built]:
    """``built(*layers)``: each layer's files (path → bytes) are copied to ``/``, oldest layer first; the reference."""
    references: list[str] = []
    mark = f"{os.getpid()}-{uuid.uuid4().hex[:10]}"

    def build(*layers: Files) -> str:
        reference = f"optbuild-test-inspect:{mark}-{len(references)}"
        folder = tmp_path_factory.mktemp("context")
        for number, files in enumerate(layers):
            _write(folder / f"layer{number}", files)
        lines = ["FROM scratch", *(f"COPY layer{number} /" for number in range(len(layers)))]
        (folder / "Dockerfile").write_text("\n".join((*lines, f"LABEL {TEST_LABEL}={mark}\n")))
        _docker("build", "--quiet", "--tag", reference, str(folder))
        references.append(reference)
        return reference

    yield build
    if references:
        _docker("rmi", *references)


def _write(folder: Path, files: Files) -> None:
    folder.mkdir()
    for path, data in files.items():
        place = folder / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        # Equal content, equal time, for the layer's tar. Other content, another time: BuildKit once took a file of
        # another build for this one, whose size and time were the same.
        os.utime(place, (1, 1 + zlib.crc32(data) % 1_000_000_000))


def _docker(*words: str) -> None:
    done = LocalRunner().run(Command(("docker", *words), timeout=300))
    assert done.ok, done.err
