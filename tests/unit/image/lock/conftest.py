"""Values that the tests of the lock start from."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import foundation_factory
import pytest

from builder.core.process import Command, ProcessResult
from builder.image.lock.foundation import ENVIRONMENT, InstalledDistribution, InstalledPackage
from builder.image.lock.model import (
    Constraints,
    DebianPackage,
    Distribution,
    DroppedConstraint,
    Lock,
    LockInputs,
    PackageLayer,
)
from builder.image.lock.target import LockTarget
from builder.image.spec.model import Spec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.image.lock.foundation import Foundation

SHA = "ab" * 32


class FakeRunner:
    """Answers each command by ``answer(argv, cwd)`` → (code, out, err) and remembers them all."""

    def __init__(self, answer: Callable[[Command], tuple[int, str, str]]) -> None:
        self.answer = answer
        self.commands: list[Command] = []

    def run(self, command: Command, *, on_out: object = None, on_err: object = None) -> ProcessResult:
        self.commands.append(command)
        return ProcessResult(command, *self.answer(command))

    @property
    def argvs(self) -> list[tuple[str, ...]]:
        return [command.argv for command in self.commands]


@pytest.fixture
def fake_runner() -> type[FakeRunner]:
    return FakeRunner


@pytest.fixture
def target() -> LockTarget:
    return LockTarget("3.11", "bookworm")


def distribution(name: str, version: str, *dependencies: str, kind: Any = "wheel") -> Distribution:
    return Distribution(name, version, kind, SHA, 1000, dependencies)


@pytest.fixture
def lock() -> Lock:
    """Small, complete, and without contradiction."""
    return Lock(
        platform="linux/amd64",
        inputs=LockInputs(
            airflow="2.8.1",
            extras=("postgres",),
            python="3.11",
            requirements=("pandas==2.0.3",),
            constraints="official",
            debian="bookworm",
            apt_runtime=("libgomp1",),
            apt_build=(),
        ),
        constraints=Constraints("2.8.1/3.11", SHA),
        given_up=(DroppedConstraint("pandas", "2.1.4", "2.0.3", "the spec asks for pandas==2.0.3"),),
        source_date_epoch=1_700_000_000,
        uv=distribution("uv", "0.13.9"),
        python=(
            distribution("apache-airflow", "2.8.1", "dill>=0.2.2"),
            distribution("dill", "0.3.1.1", kind="sdist"),
            distribution("pandas", "2.0.3"),
        ),
        build_requires=(distribution("setuptools", "84.2.1"),),
        shared_libraries=(("libz.so.1", "zlib1g"),),
        runtime=(
            DebianPackage("libgomp1", "12.2.0-14+deb12u1", "amd64", SHA, 116000),
            DebianPackage("zlib1g", "1:1.2.13.dfsg-1", "amd64", SHA, 86700),
        ),
        build=(DebianPackage("binutils", "2.40-2", "amd64", SHA, 64000),),
        layers=(
            PackageLayer("apache-airflow", ("apache-airflow",), 1_700_000_000),
            PackageLayer("core-0", ("dill",), 1_600_000_000),
            PackageLayer("pandas", ("pandas",), 1_650_000_000),
        ),
    )


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    """The spec that ``lock`` belongs to."""
    return Spec.model_validate(
        {
            "folder": tmp_path,
            "image": {"name": "example"},
            "base": {"debian": "bookworm"},
            "airflow": {"version": "2.8.1", "extras": ("postgres",)},
            "python": {"version": "3.11", "requirements": ("pandas==2.0.3",)},
            "apt": {"runtime": ("libgomp1",)},
        }
    )


@pytest.fixture
def make_foundation() -> Callable[..., Foundation]:
    """An image of Airflow that has the distributions that are named, 1 MB each, in its user's site."""

    def make(**versions: str) -> Foundation:
        site = f"{ENVIRONMENT}/lib/python3.11/site-packages"
        return foundation_factory.make_foundation(
            digest=f"sha256:{SHA}",
            layers=(f"sha256:{SHA}",),
            environment=(("PIP_USER", "true"),),
            packages=(),
            distributions=tuple(
                InstalledDistribution(name.replace("_", "-"), version, site, 1_000_000)
                for name, version in sorted(versions.items())
            ),
            contract="",
        )

    return make


@pytest.fixture
def foundation() -> Foundation:
    """What the official python image is like."""
    return foundation_factory.make_python_foundation(
        digest="sha256:" + "1" * 64,
        layers=("sha256:" + "2" * 64, "sha256:" + "3" * 64),
        packages=(
            InstalledPackage("adduser", "3.134", "all"),
            InstalledPackage("libc6", "2.36-9+deb12u7", "amd64"),
        ),
        distributions=(
            InstalledDistribution("pip", "24.0", "/usr/local/lib/python3.11/site-packages", 6_000_000),
            InstalledDistribution("setuptools", "65.5.1", "/usr/local/lib/python3.11/site-packages", 5_000_000),
        ),
    )


@pytest.fixture
def founded(lock: Lock, foundation: Foundation) -> Lock:
    """A lock that stands on it."""
    inputs = dataclasses.replace(lock.inputs, debian="", base_image=foundation.reference)
    return dataclasses.replace(lock, inputs=inputs, foundation=foundation)
