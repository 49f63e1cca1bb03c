"""Sources that must become wheels: what they need, and what is said where they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from builder.core.errors import IndexUnreadableError, LockError, ToolFailedError
from builder.image.lock.pylock import LockedFile
from builder.image.lock.sources.sdists import (
    build_sdists,
    collect_build_requirements,
    format_hashed_pins,
    parse_build_requires,
)
from builder.image.lock.uv import Uv

if TYPE_CHECKING:
    from pathlib import Path

    from builder.core.process import Command
    from builder.image.lock.target import LockTarget

FAILED = "error: Failed to build `dill==0.3.1.1`\n  cause: The build backend returned an error\n"
DILL = LockedFile("dill", "0.3.1.1", "sdist", "11" * 32, 5, None)


@pytest.mark.parametrize(
    ("pyproject", "requires"),
    [
        pytest.param(None, ["setuptools", "wheel"], id="legacy"),
        pytest.param("[tool.black]\n", ["setuptools", "wheel"], id="no-build-system"),
        pytest.param('[build-system]\nrequires = ["cython<3"]\n', ["cython<3", "setuptools", "wheel"], id="no-backend"),
        pytest.param(
            '[build-system]\nrequires = ["hatchling >= 1", "a"]\nbuild-backend = "hatchling.build"\n',
            ["a", "hatchling>=1"],
            id="modern",
        ),
    ],
)
def test_what_a_source_needs(pyproject: str | None, requires: list[str]) -> None:
    assert parse_build_requires(pyproject, "x 1") == requires


@pytest.mark.parametrize(
    "text",
    ["[build-system", "build-system = 3", '[build-system]\nrequires = ["a >>> 1"]\n', "[build-system]\nrequires = 3\n"],
)
def test_a_broken_pyproject_names_the_distribution(text: str) -> None:
    with pytest.raises(LockError, match=r"pyproject.toml of x 1 is broken"):
        parse_build_requires(text, "x 1")


def uv_with_cache(fake_runner: Any, cache: Path, *, builds: bool = True) -> Uv:
    def answer(command: Command) -> tuple[int, str, str]:
        if command.argv[1:] == ("cache", "dir"):
            return 0, f"{cache}\n", ""
        return (0 if builds or "--no-build-isolation" not in command.argv else 1), "", FAILED

    return Uv("uv", "1", "py", fake_runner(answer), {})


def source(cache: Path, **files: str) -> None:
    folder = cache / "sdists-v11/pypi/dill/0.3.1.1/xyz/src"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("_", ".").replace("PKG.INFO", "PKG-INFO")).write_text(text)


def test_build_requirements_are_read_once_per_file(fake_runner: Any, tmp_path: Path) -> None:
    source(tmp_path / "uv")
    uv = uv_with_cache(fake_runner, tmp_path / "uv")
    assert collect_build_requirements(uv, [DILL], tmp_path / "cache", tmp_path) == {DILL: ("setuptools", "wheel")}
    again = uv_with_cache(fake_runner, tmp_path / "gone")
    assert collect_build_requirements(again, [DILL], tmp_path / "cache", tmp_path) == {DILL: ("setuptools", "wheel")}


def test_a_source_that_uv_never_saw_is_unpacked_first(fake_runner: Any, tmp_path: Path) -> None:
    def answer(command: Command) -> tuple[int, str, str]:
        if "--no-binary" in command.argv:
            source(tmp_path / "uv")
            return 1, "", "error: it could not be built, but it was unpacked"
        return 0, f"{tmp_path / 'uv'}\n", ""

    uv = Uv("uv", "1", "py", fake_runner(answer), {})
    assert collect_build_requirements(uv, [DILL], tmp_path / "cache", tmp_path) == {DILL: ("setuptools", "wheel")}


def test_a_source_that_uv_lost_is_named(fake_runner: Any, tmp_path: Path) -> None:
    with pytest.raises(LockError, match=r"dill 0.3.1.1 is not in uv's cache"):
        collect_build_requirements(uv_with_cache(fake_runner, tmp_path), [DILL], tmp_path / "cache", tmp_path)


def test_sources_are_built_from_hashed_pins_only(fake_runner: Any, target: LockTarget, tmp_path: Path) -> None:
    uv = uv_with_cache(fake_runner, tmp_path, builds=False)
    tool = LockedFile("setuptools", "84", "wheel", "22" * 32, 5, None)
    said: list[str] = []
    built = build_sdists(uv, target, [DILL], [tool], tmp_path, say=said.append)
    assert (built.facts, built.failures) == ({}, {"dill": FAILED})
    assert said == ["building dill from source"] * 2
    assert (tmp_path / "tools.txt").read_text() == f"setuptools==84 --hash=sha256:{'22' * 32}\n"
    assert (tmp_path / "sdists.txt").read_text() == format_hashed_pins([DILL])


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("error: Failed to download `dill==0.3.1.1`\n  cause: Hash mismatch for `dill==0.3.1.1`\n", ToolFailedError),
        ("error: Request failed after 3 retries\n  cause: Failed to fetch: https://i.example\n", IndexUnreadableError),
    ],
)
def test_a_source_that_is_not_there_was_not_built_badly(
    fake_runner: Any, target: LockTarget, tmp_path: Path, said: str, error: type[Exception]
) -> None:
    def answer(command: Command) -> tuple[int, str, str]:
        return (1 if "--no-build-isolation" in command.argv else 0), "", said

    uv = Uv("uv", "1", "py", fake_runner(answer), {})
    with pytest.raises(error):
        build_sdists(uv, target, [DILL], [], tmp_path, say=lambda _text: None)
