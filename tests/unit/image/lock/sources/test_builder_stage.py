"""One source in the builder stage: what is built there, and what is refused before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from foundation_factory import make_foundation

from builder.core.errors import (
    BuilderUnavailableError,
    BuildFailedError,
    BuildRefusedError,
    EngineMissingError,
    UnbuildableSourceError,
)
from builder.image.lock.debian import ResolvedPackages
from builder.image.lock.foundation import InstalledPackage
from builder.image.lock.model import DebianPackage
from builder.image.lock.pylock import LockedFile
from builder.image.lock.sources.builder_stage import LockedBuilderStage
from builder.image.lock.uv import Uv

if TYPE_CHECKING:
    from pathlib import Path

    from builder.core.process import Command
    from builder.image.lock.foundation import Foundation
    from builder.image.lock.model import Lock
    from builder.image.lock.target import LockTarget

FILE = LockedFile("pycurl", "7.45.2", "sdist", "11" * 32, 5, 1_700_000_001)
TOOL = LockedFile("setuptools", "84", "wheel", "22" * 32, 5, None)
COMPLETE = "gcc libc6-dev libpython3.11-dev libcurl4-openssl-dev libssl-dev"
UV_FILE = """
[[packages]]
name = "uv"
version = "0.13.9"
wheels = [{ name = "uv-0.13.9-py3-none-manylinux_2_17_x86_64.whl", hashes = { sha256 = "33" } }]
"""


class FakeWheels:
    def __init__(self, fails: Exception | None = None) -> None:
        self.fails = fails
        self.calls: list[tuple[Lock, Path, str]] = []

    def __call__(self, lock: Lock, folder: Path, announcement: str) -> None:
        self.calls.append((lock, folder, announcement))
        if self.fails is not None:
            raise self.fails


@pytest.fixture
def build(fake_runner: Any, lock: Lock, target: LockTarget, tmp_path: Path) -> Any:
    """Builds ``FILE`` where ``[apt] build`` gives these packages."""

    def run(
        wheels: FakeWheels,
        packages: str = COMPLETE,
        needed: tuple[str, ...] = (),
        foundation: Foundation | None = None,
    ) -> None:
        def answer(command: Command) -> tuple[int, str, str]:
            (tmp_path / command.argv[command.argv.index("--output-file") + 1]).write_text(UV_FILE)
            return 0, "", ""

        uv = Uv("uv", "0.13.9", "py", fake_runner(answer), {})
        debian = tuple(DebianPackage(name, "1", "amd64", "00", 1) for name in packages.split())
        resolved = ResolvedPackages(lock.runtime, debian)
        stage = LockedBuilderStage(uv, target, lock.inputs, lambda: resolved, wheels, foundation)
        stage.build(FILE, (TOOL,), needed, tmp_path / "out", why="it has no wheel")

    return run


def test_the_lock_of_this_source_alone_is_built(build: Any, lock: Lock, tmp_path: Path) -> None:
    wheels = FakeWheels()
    build(wheels)
    ((made, folder, announcement),) = wheels.calls
    assert [one.name for one in made.python] == ["pycurl"]
    assert [one.name for one in made.build_requires] == ["setuptools"]
    assert (made.uv.version, made.runtime, made.source_date_epoch) == ("0.13.9", lock.runtime, 1_700_000_001)
    assert {one.name for one in made.build} == set(COMPLETE.split())
    assert folder == tmp_path / "out"
    assert announcement == "it has no wheel\n  it is built in the builder stage now, on the Docker engine"


def test_a_base_image_is_what_it_stands_on(build: Any) -> None:
    """With the headers of its own Python, and with its own packages."""
    wheels, foundation = FakeWheels(), make_foundation(packages=(InstalledPackage("gcc", "4:12", "amd64"),))
    build(wheels, "libc6-dev libcurl4-openssl-dev libssl-dev", foundation=foundation)
    assert wheels.calls[0][0].foundation is foundation


@pytest.mark.parametrize(
    ("packages", "needed", "absent"),
    [
        ("gcc libc6-dev libpython3.11-dev", (), ("libcurl4-openssl-dev", "libssl-dev")),
        (COMPLETE, ("libffi-dev",), ("libffi-dev",)),
    ],
)
def test_what_certainly_fails_is_not_begun(
    build: Any, packages: str, needed: tuple[str, ...], absent: tuple[str, ...]
) -> None:
    wheels = FakeWheels()
    with pytest.raises(UnbuildableSourceError, match=rf"\[apt\] build gives {', '.join(absent)}") as caught:
        build(wheels, packages, needed)
    names = ", ".join(f'"{name}"' for name in absent)
    assert caught.value.hint == f"write [apt] build = [{names}], then: optbuild lock"
    assert wheels.calls == []


@pytest.mark.parametrize(
    "error", [EngineMissingError("unix:///x", "refused"), BuildRefusedError("the builder builds linux/arm64", hint="h")]
)
def test_without_an_engine_the_reason_is_kept(build: Any, error: Exception) -> None:
    with pytest.raises(BuilderUnavailableError, match="that cannot be done here: ") as caught:
        build(FakeWheels(error))
    assert str(getattr(error, "message", "")) in str(caught.value)
    assert caught.value.hint == getattr(error, "hint", "")


def test_a_failed_build_stays_one(build: Any) -> None:
    with pytest.raises(BuildFailedError):
        build(FakeWheels(BuildFailedError("RUN x", "exit code: 1", ())))
