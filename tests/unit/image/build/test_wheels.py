"""Wheels of a lock's sources: what the engine is asked for, and in which order."""

from __future__ import annotations

import contextlib
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from runtime_factory import make_runtime

from builder.core.errors import BuildFailedError, EngineMissingError
from builder.core.process import Command, ProcessResult
from builder.image.build import wheels
from builder.image.build.wheels import build_wheels
from builder.image.lock.document import read_lock
from builder.image.render.context import render_context
from builder.image.spec.reader import read_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.core.runtime import Runtime
    from builder.image.lock.model import Lock
    from builder.image.render.model import BuildContext

SAMPLE = Path(__file__).parents[4] / "images/airflow/optbuild.lock"
INSPECT = "Name: default\nDriver: docker\nPlatforms: linux/amd64\n"


class FakeBuildx:
    """Writes one wheel where ``--output`` says, or fails."""

    def __init__(self, events: list[str], code: int = 0) -> None:
        self.events, self.code = events, code
        self.files: dict[str, str] = {}
        self.argv: tuple[str, ...] = ()

    def run(self, command: Command, *, on_out: object = None, on_err: Any = None) -> ProcessResult:
        if "version" in command.argv:
            return ProcessResult(command, 0, "github.com/docker/buildx v0.13.1 x", "")
        if "inspect" in command.argv:
            return ProcessResult(command, 0, INSPECT, "")
        self.events.append("build")
        self.argv = command.argv
        assert command.cwd is not None
        context = command.cwd
        self.files = {str(path.relative_to(context)): path.read_text() for path in context.rglob("*") if path.is_file()}
        output = Path(command.argv[command.argv.index("--output") + 1].partition("dest=")[2])
        output.mkdir()
        with zipfile.ZipFile(output / "dill-0.3.1.1-py3-none-any.whl", "w") as archive:
            archive.writestr("dill/__init__.py", "")
            archive.writestr("dill-0.3.1.1.dist-info/METADATA", "Name: dill\n")
        if self.code:
            on_err("ERROR: process did not complete")
        return ProcessResult(command, self.code, "", "")


class Progress:
    """Remembers notes among the other events."""

    def __init__(self, events: list[str]) -> None:
        self.events = events

    def note(self, text: str) -> None:
        self.events.append(text)

    @contextlib.contextmanager
    def task(self, label: str) -> Iterator[Any]:
        yield SimpleNamespace(update=lambda **_: None)


@pytest.fixture
def events() -> list[str]:
    return []


@pytest.fixture
def lock() -> Lock:
    return read_lock(SAMPLE)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, events: list[str]) -> None:
    @contextlib.contextmanager
    def connect(_env: object) -> Iterator[Any]:
        events.append("connect")
        yield SimpleNamespace(info=SimpleNamespace(containerd_store=False))

    def make_base(_runtime: Runtime, context: BuildContext, folder: Path) -> None:
        assert context.find_file("builder.packages").data
        events.append("base")
        (folder / "builder.tar").write_text("tar")

    monkeypatch.setattr(wheels, "connect_engine", connect)
    monkeypatch.setattr(wheels, "make_base", make_base)


def make(tmp_path: Path, runner: FakeBuildx, events: list[str]) -> Any:
    return make_runtime(tmp_path, {"HOME": "/nonexistent"}, runner=runner, progress=Progress(events))


@pytest.mark.usefixtures("engine")
def test_the_wheels_of_the_builder_stage_are_unpacked(tmp_path: Path, lock: Lock, events: list[str]) -> None:
    runner = FakeBuildx(events)
    build_wheels(make(tmp_path, runner, events), lock, tmp_path / "out", "it is built now")
    assert events == ["connect", "it is built now", "base", "build"]  # said before anything is made
    assert (tmp_path / "out/dill-0.3.1.1.dist-info/METADATA").read_text() == "Name: dill\n"
    assert not {"--load", "--tag"} & set(runner.argv)
    assert list(tmp_path.rglob("build-*")) == []
    sources = {one.name for one in lock.python if one.kind == "sdist"}
    named = {line.partition("==")[0] for line in runner.files["requirements/sdists.txt"].splitlines()}
    assert named == sources != set()
    assert runner.files["scripts/install.sh"]


@pytest.mark.usefixtures("engine")
def test_the_stage_is_that_of_the_images_dockerfile(tmp_path: Path, lock: Lock, events: list[str]) -> None:
    """A source that is built at lock is built by the same step with which `optbuild build` builds it."""
    runner = FakeBuildx(events)
    build_wheels(make(tmp_path, runner, events), lock, tmp_path / "out", "")
    image = render_context(read_spec(SAMPLE.parent), lock).find_file("Dockerfile").data.decode()
    stage = runner.files["Dockerfile"].partition("FROM base AS builder")[2].partition("\n\nFROM scratch\n")[0]
    assert (stage.count("install.sh tools"), stage.count("install.sh sdists")) == (1, 1)
    bytecode = "--mount=type=bind,from=rootfs,source=/out/usr/lib,target=/stdlib \\\n    "
    assert image.count(bytecode) == 1  # made once in an image's build; here by the step itself
    assert stage in image.replace(bytecode, "")


@pytest.mark.usefixtures("engine")
def test_a_failed_build_leaves_nothing(tmp_path: Path, lock: Lock, events: list[str]) -> None:
    with pytest.raises(BuildFailedError, match="process did not complete"):
        build_wheels(make(tmp_path, FakeBuildx(events, code=1), events), lock, tmp_path / "out", "")
    assert not (tmp_path / "out").exists()
    assert list(tmp_path.rglob("build-*")) == []


def test_without_an_engine_nothing_is_announced(
    tmp_path: Path, lock: Lock, events: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_env: object) -> None:
        raise EngineMissingError("unix:///x", "refused")

    monkeypatch.setattr(wheels, "connect_engine", refuse)
    with pytest.raises(EngineMissingError):
        build_wheels(make(tmp_path, FakeBuildx(events), events), lock, tmp_path / "out", "it is built now")
    assert events == []
